"""xAPI 1.0.3 statements: reading, validating, comparing."""
