"""What the syncs of catalogue and activity share: the frame of their tasks, their problems, when they stop."""
