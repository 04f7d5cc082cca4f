"""Model sizes: what weights and KV caches of well-known models take, and on what they fit."""

from kvviz.ui import model_sizes_page

model_sizes_page.show()
