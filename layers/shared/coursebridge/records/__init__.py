"""The rules for identifiers, evidence and attempts, without AWS."""
