"""Several prompts in one pool of blocks, decoded together."""
