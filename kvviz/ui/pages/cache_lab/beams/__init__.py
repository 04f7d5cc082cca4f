"""Several texts go on at once, and share the rows that they have in common."""
