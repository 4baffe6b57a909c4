"""xAPI statements: reading, validating, comparing and presenting them. Pure: no AWS."""
