"""KV cache, step by step: run a prompt of one's own and watch which rows are reused."""

from kvviz.ui import kv_cache_page

kv_cache_page.show()
