"""One text read by every decoder at hand, in step: rows, bytes and windows, as measured."""
