"""The parts of the page on speed and memory."""
