"""Who runs a model: this process, or replicas of a Ray Serve deployment elsewhere."""
