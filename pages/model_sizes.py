"""Model sizes: what weights and KV caches of well-known models take, and on what they fit."""

from kvviz.ui.pages.model_sizes import page

page.show()
