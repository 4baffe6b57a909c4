"""What an operator or a maintainer runs by hand: redriving dead letters, computing costs, simulating keys."""
