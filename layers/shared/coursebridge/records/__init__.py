"""Learners, identities and attempts: the rules, without AWS."""
