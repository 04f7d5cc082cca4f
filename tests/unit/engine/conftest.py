from __future__ import annotations

import hashlib
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kvviz.engine import load_model, trace_generation
from tests.parity.tiny_berts import TinyBert
from tests.parity.tiny_decoders import TINY_DECODERS
from tests.parity.tiny_models import TinyModel
from tests.parity.tiny_t5s import TinyT5
from tests.trace_files import ARRAYS


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    return TinyModel("tiny").save(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def folder(tiny_folder, tmp_path):
    """A copy of a sound model folder, to be damaged."""
    return shutil.copytree(tiny_folder, tmp_path / "model")


@pytest.fixture(scope="session")
def model(tiny_folder):
    return load_model(tiny_folder, device="cpu")


@pytest.fixture(scope="session")
def decoder_folder(tmp_path_factory):
    """A tiny Llama of three query heads over one KV head."""
    return TINY_DECODERS[0].save(tmp_path_factory.mktemp("tiny-decoder"))


@pytest.fixture(scope="session")
def bert(tmp_path_factory):
    folder = TinyBert("tiny").save(tmp_path_factory.mktemp("tiny-bert"))
    return load_model(folder, device="cpu")


@pytest.fixture(scope="session")
def t5(tmp_path_factory):
    folder = TinyT5("tiny").save(tmp_path_factory.mktemp("tiny-t5"))
    return load_model(folder, device="cpu")


def hold_same_run(ours, theirs):
    """Hold two runs to the same tokens, rows and steps, to the last bit."""
    for name in ARRAYS:
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    for one, other in zip(ours.steps, theirs.steps, strict=True):
        assert np.array_equal(one.reused, other.reused)
        assert np.array_equal(one.top_probs, other.top_probs)
        assert (one.flops, one.cache_bytes) == (other.flops, other.cache_bytes)


def unlike_jobs(prompt):
    """Return arguments of runs that differ in prompt, settings and length."""
    return [
        {"prompt": prompt, "max_new_tokens": 12},
        {"prompt": " the dog", "max_new_tokens": 20, "temperature": 1.0, "seed": 3},
        {"prompt": prompt, "max_new_tokens": 9, "use_cache": False},
        {"prompt": "x", "max_new_tokens": 30},
        {"prompt": " the cat and the dog", "max_new_tokens": 15, "top_p": 0.5, "temperature": 2.0},
        {"prompt": " the door", "max_new_tokens": 11, "use_cache": False, "n_top": 3},
    ]


def together_and_alone(model, jobs, n_times):
    """Return pairs of traces of the same job: run in a thread beside all others, and alone.

    Args:
        model: Which all threads share.
        jobs: Arguments of `trace_generation`, for a thread each.
        n_times: How often each thread runs its job.
    """
    serial = [trace_generation(model, **job) for job in jobs]
    barrier = threading.Barrier(len(jobs))

    def work(job):
        barrier.wait()
        return [trace_generation(model, **job) for _ in range(n_times)]

    with ThreadPoolExecutor(len(jobs)) as pool:
        together = list(pool.map(work, jobs))
    return [
        (trace, alone) for alone, repeats in zip(serial, together, strict=True) for trace in repeats
    ]


def state_of(model) -> str:
    """Return a digest of all that a run could change in a model."""
    digest = hashlib.sha256()
    for name, tensor in model.module.state_dict().items():
        digest.update(name.encode() + tensor.detach().cpu().numpy().tobytes())
    for name, module in model.module.named_modules():
        digest.update(
            f"{name} {module.training} {list(module._forward_hooks)} "
            f"{list(module._forward_pre_hooks)} {sorted(vars(module))}".encode()
        )
    digest.update(f"{model.module.config.to_json_string()} {model.card}".encode())
    digest.update(model.module.config._attn_implementation.encode())
    return digest.hexdigest()
