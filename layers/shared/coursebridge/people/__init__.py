"""The learner directory: people with dated identifiers, kept, merged, explained and erased."""
