"""The parts of the page on model sizes."""
