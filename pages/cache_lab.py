"""The cache lab: keep a part of the rows, and measure what that costs beside the control."""

from kvviz.ui.pages.cache_lab import page

page.show()
