"""Models that others have published: which can be added, where they are kept, how they are fetched.

Nothing here knows torch; what a fetched file says is read by `kvviz.engine.models`.
"""
