"""The learner directory: people and their dated identifiers, and how they are merged, explained and erased."""
