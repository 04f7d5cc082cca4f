"""The page on the KV cache, step by step."""
