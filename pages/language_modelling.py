"""Learning from plain text: a text as its own label, the training film, and free running."""

from kvviz.ui import language_modelling_page

language_modelling_page.show()
