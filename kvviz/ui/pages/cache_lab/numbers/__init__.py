"""Keys and values of a layer in one row of fewer numbers."""
