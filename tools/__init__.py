"""Programs to run by hand: redriving dead letters, restoring items, computing costs, simulating keys, and an SBOM."""
