"""T5's two caches: an encoder that reads once, a decoder that looks at it at every step."""

from kvviz.ui.pages.encoder_decoder import page

page.show()
