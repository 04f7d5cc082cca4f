"""Work on threads of its own: runs, models, and the line in which they wait."""
