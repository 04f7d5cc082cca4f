"""A row of the cache is changed: what a head looks at, and what matters."""
