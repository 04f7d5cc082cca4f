"""A static site of the lessons that need no model at hand."""
