"""Runs of a crowd are made together, and nothing of the model is held once they are done."""

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

import kvviz
from kvviz.engine import RunBatch
from kvviz.errors import PromptError
from kvviz.serving.shared_passes import shared_passes
from kvviz.trace import GenerationOptions
from tests.pages.test_equal_work import Asker

OPTIONS = GenerationOptions(max_new_tokens=24)


def made_together(model, *prompts):
    """Return what runs of these prompts came to, each asked for on a thread of its own."""
    passes = shared_passes(model)
    with ThreadPoolExecutor(len(prompts)) as pool:
        return list(pool.map(lambda one: passes.trace(model, one, OPTIONS, Asker()), prompts))


def test_threads_that_ask_at_the_same_time_share_passes():
    model = kvviz.load_model("kvviz/gpt2-mini", device="cpu")
    assert shared_passes(model) is shared_passes(model)
    prompts = [f"The {one} went" for one in ("dog", "cat", "bird", "fish")]
    traces = made_together(model, *prompts)
    for prompt, trace in zip(prompts, traces, strict=True):
        alone = kvviz.trace_generation(model, prompt, max_new_tokens=24)
        assert trace.tokens == alone.tokens
    assert max(trace.n_together for trace in traces) > 1
    # A prompt that cannot be read is the fault of who typed it.
    with pytest.raises(PromptError):
        made_together(model, "")
    assert made_together(model, "The dog went")[0].tokens == traces[0].tokens


def test_nobody_waits_for_a_thread_that_has_ended_by_a_fault(monkeypatch):
    model = kvviz.load_model("kvviz/gpt2-mini", device="cpu")
    with monkeypatch.context() as patch:
        patch.setattr(RunBatch, "step", lambda batch: 1 / 0)
        patch.setattr(threading, "excepthook", lambda fault: None)
        with pytest.raises(ZeroDivisionError):
            made_together(model, "The dog went")
    assert len(made_together(model, "The dog went")[0].steps) == OPTIONS.max_new_tokens


def test_nothing_of_a_model_is_held_once_its_runs_are_done():
    model = kvviz.load_model("kvviz/gpt2-mini", device="cpu")
    gone = weakref.ref(model)
    made_together(model, "The dog went", "The cat went")
    del model
    until = time.monotonic() + 30
    while gone() is not None and time.monotonic() < until:
        gc.collect()
        time.sleep(0.05)
    assert gone() is None
