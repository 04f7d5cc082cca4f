"""Speed and memory: what caching buys in time on this machine, and what it costs in memory."""

from kvviz.ui import speed_and_memory_page

speed_and_memory_page.show()
