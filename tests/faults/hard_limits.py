"""A process that is brought to its limits on purpose; it says on its last line that all held.

A file that is cut while it is mapped into memory ends a process by a signal, and a limit on memory
cannot be raised again, so this is no process of other tests.
"""

from __future__ import annotations

import resource
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from kvviz.engine import load_model, trace_generation
from kvviz.errors import KvvizError, OutOfMemoryError
from tests.one_thread import take_one_thread

BUNDLED = "kvviz/gpt2-mini"
LONG = "Once upon a time there was a little dog. " * 40
MEBIBYTE = 2**20


def cut_while_loaded(folder: Path) -> None:
    """Cut the weights of a model that is loaded, and run it."""
    model = load_model(folder, device="cpu")
    before = trace_generation(model, "the cat", max_new_tokens=4)
    weights = folder / "model.safetensors"
    with weights.open("r+b") as file:
        file.truncate(100)
    after = trace_generation(model, "the cat", max_new_tokens=4)
    assert np.array_equal(before.all_keys, after.all_keys)
    wide = model.as_dtype("float64")
    assert trace_generation(wide, "the cat", max_new_tokens=4).tokens == before.tokens
    with pytest.raises(KvvizError, match="damaged or cut short"):
        load_model(folder, device="cpu")


def out_of_memory() -> None:
    """Ask for much with ever more memory: it is there whole, or said not to fit."""
    model = load_model(BUNDLED, device="cpu")
    before = trace_generation(model, "Once", max_new_tokens=2)
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    refused = Counter[str]()
    for left in (0, 32):
        for name, work in {
            "a model": lambda: load_model(BUNDLED, device="cpu"),
            "a copy": lambda: model.as_dtype("float64"),
            "a text": lambda: trace_generation(model, LONG, max_new_tokens=2),
        }.items():
            now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (now + left * MEBIBYTE, hard))
            try:
                work()
            except OutOfMemoryError as error:
                refused[name if error.fix else "without a way out"] += 1
            finally:
                resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    # What was freed before may do for one or two of them.
    assert refused, "no limit was low enough"
    assert set(refused) <= {"a text", "a copy", "a model"}, refused
    assert trace_generation(model, LONG, max_new_tokens=2).steps
    again = trace_generation(model, "Once", max_new_tokens=2)
    assert np.array_equal(again.all_values, before.all_values)


if __name__ == "__main__":
    take_one_thread()
    cut_while_loaded(Path(sys.argv[1]))
    out_of_memory()
    sys.stdout.write("held\n")
