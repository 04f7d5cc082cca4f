"""What a tab of a class has on every page: the room it is in, and the bar that follows a teacher."""
