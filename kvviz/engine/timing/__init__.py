"""How long runs and steps take, and what bounds them."""
