"""Side-by-side measurements on this machine: `python -m benchmarks`."""
