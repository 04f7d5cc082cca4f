"""Start here: what this is, and a run to step through at once."""
