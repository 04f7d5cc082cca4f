"""Two texts that begin alike: the second run begins with the rows of the first."""
