"""Activity reports and the reconciliation with what statements brought."""
