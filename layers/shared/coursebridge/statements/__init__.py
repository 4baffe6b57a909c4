"""Taking statements in and finding them again: what the xAPI endpoint does beside speaking HTTP."""
