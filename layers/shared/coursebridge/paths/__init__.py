"""The course libraries of groups, and learning paths through their courses."""
