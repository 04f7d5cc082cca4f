"""A GPU that is lost: the run says so, from then on it is left alone, and the CPU is there."""

from dataclasses import replace

import pytest
import torch

from kvviz.engine import load_model, trace_encoding, trace_generation
from kvviz.engine.models import devices, loading
from kvviz.engine.models.devices import checked_device
from kvviz.engine.running import generation
from kvviz.errors import DeviceError
from kvviz.ui.work.model_store import ModelStore, model_key
from kvviz.ui.work.run_settings import RunSettings
from tests.parity.tiny_models import PROMPT

LOST = (
    "CUDA error: unspecified launch failure\n"
    "CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace "
    "below might be incorrect."
)
"""As torch says it."""


@pytest.fixture(autouse=True)
def failed(monkeypatch):
    """What has failed in this test alone."""
    found: set[str] = set()
    monkeypatch.setattr(devices, "_failed", found)
    return found


def on_a_gpu(model):
    """Return a model that is said to be on a GPU."""
    return replace(model, card=replace(model.card, device="cuda:0"))


def lose(*_, **__):
    raise getattr(torch, "AcceleratorError", RuntimeError)(LOST)


def test_a_run_on_a_gpu_that_is_lost_says_so(model, monkeypatch, failed):
    gpu = on_a_gpu(model)
    with monkeypatch.context() as lost:
        lost.setattr(generation, "pass_alone", lose)
        words = r"device cuda:0 has failed. CUDA error: unspecified launch failure Run it again"
        with pytest.raises(DeviceError, match=words):
            trace_generation(gpu, PROMPT, max_new_tokens=2)
    assert failed == {"cuda:0"}
    assert gpu.is_lost
    assert not model.is_lost
    assert trace_generation(model, PROMPT, max_new_tokens=2).steps


def test_memory_of_what_has_failed_is_let_be(monkeypatch):
    monkeypatch.setattr(torch.cuda, "empty_cache", lose)
    devices.release_memory(torch.device("cuda"))


def test_what_has_failed_is_not_taken_again_by_itself(model, monkeypatch, failed):
    monkeypatch.delenv("KVVIZ_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert str(checked_device("auto", torch.float32)) == "cuda:0"
    failed.add("cuda:0")
    assert str(checked_device("auto", torch.float32)) == "cpu"
    with pytest.raises(DeviceError, match=r"cuda:0 has failed before.*on the CPU"):
        checked_device("cuda", torch.float32)
    assert str(checked_device("cuda:1", torch.float32)) == "cuda:1"


def test_a_model_on_it_is_loaded_anew(model, failed):
    store, asked = ModelStore(), RunSettings()
    store._models[model_key(asked)] = gpu = on_a_gpu(model)
    assert store.peek(asked) is gpu
    failed.add("cuda:0")
    assert store.peek(asked) is None


def test_a_device_that_fails_while_a_model_is_loaded(tiny_folder, monkeypatch, failed):
    monkeypatch.setattr(loading, "_try_out", lose)
    with pytest.raises(DeviceError, match=r"device cpu has failed. CUDA error"):
        load_model(tiny_folder, device="cpu")
    assert failed == set(), "the CPU is what is left"


def test_other_work_says_it_in_the_same_words(bert, monkeypatch):
    monkeypatch.setattr(bert.module, "forward", lose)
    with pytest.raises(DeviceError, match="has failed"):
        trace_encoding(bert, "the cat sat")
