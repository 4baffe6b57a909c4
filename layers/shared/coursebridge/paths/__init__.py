"""Libraries of groups, and paths through their courses."""
