"""Speed and memory: what caching buys in time on this machine, and what it costs in memory."""

from kvviz.ui.pages.speed_and_memory import page

page.show()
