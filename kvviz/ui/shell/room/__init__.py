"""What a tab has of a class on every page: the room that it is in, and the bar that follows."""
