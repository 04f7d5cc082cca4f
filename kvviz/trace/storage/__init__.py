"""A trace as one file and back: the only place that knows the format."""

from kvviz.trace.storage.trace_file import open_trace, save_trace

__all__ = ["open_trace", "save_trace"]
