"""Receives statements and finds them again: what the xAPI endpoint does apart from HTTP."""
