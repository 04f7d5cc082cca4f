"""Start here: what this is, a run to step through at once, and where to go from here."""

from kvviz.ui.pages.start import page

page.show()
