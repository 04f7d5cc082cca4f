"""The parts of the page on learning from plain text."""
