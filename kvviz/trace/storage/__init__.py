"""A trace as one file and back: the only place that knows the format."""

from kvviz.trace.storage.trace_file import has_checksum, open_trace, save_trace

__all__ = ["has_checksum", "open_trace", "save_trace"]
