"""What rows of a window still carry of rows that fell out of it."""
