"""Runs: the decode loop, a pass over a whole text, the same run both ways."""
