"""The parts of the page on an encoder-decoder and its two caches."""
