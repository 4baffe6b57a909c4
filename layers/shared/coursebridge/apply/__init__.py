"""From stored statements to learners and attempts, and back again for what was held."""
