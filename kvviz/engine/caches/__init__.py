"""Where K/V rows live: one file a way of keeping them."""
