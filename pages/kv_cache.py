"""KV cache, step by step: run a prompt of one's own and watch which rows are reused."""

from kvviz.ui.pages.kv_cache import page

page.show()
