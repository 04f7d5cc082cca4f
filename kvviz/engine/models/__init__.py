"""Find, check and load a checkpoint."""
