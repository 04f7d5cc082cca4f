"""T5's two caches: an encoder that reads once, a decoder that looks at it at every step."""

from kvviz.ui import encoder_decoder_page

encoder_decoder_page.show()
