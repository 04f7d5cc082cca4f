"""Learning from plain text: a text as its own label, the training film, and free running."""

from kvviz.ui.pages.language_modelling import page

page.show()
