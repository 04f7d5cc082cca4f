"""A folder a page, named as its address."""
