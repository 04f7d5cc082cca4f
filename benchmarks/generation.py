"""What a trace costs beside plain generation, and what the cache saves.

Everything runs in one process on one model, in turns, so that whatever else the machine does falls
on all alike: what counts is the ratio within a turn. Each rival gives the same tokens, or the
measurement fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DynamicCache,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
)

from kvviz.analysis.spread import spread
from kvviz.engine import LoadedModel, load_model, trace_generation
from kvviz.engine.models.devices import synchronise
from kvviz.engine.models.model_source import locate
from kvviz.engine.models.threads import thread_count
from kvviz.published import model_home

MINI = "kvviz/gpt2-mini"
SMALL = "random weights in the shape of GPT-2 small"
ADDED = "kvviz/smollm2-135m"
"""Measured where it was added, in both number formats."""
TEXT = (
    "Once upon a time there was a little girl who lived in a house by the sea with her mother and "
    "her brother. One day she went down to the water and saw a boat, and in the boat sat an old "
    "man who asked her the way to the town. "
)
TIMED_STEPS = 8


@dataclass(frozen=True)
class Subject:
    """One set of weights in memory, in kvviz's model and in transformers' own.

    Attributes:
        traced: kvviz's model, which does not stop at the end of a text.
        plain: The same weights with the attention that transformers takes by itself.
        eager: The same with the one that can give its patterns away.
    """

    traced: LoadedModel
    plain: PreTrainedModel
    eager: PreTrainedModel


class Times(NamedTuple):
    """How long something took.

    Attributes:
        wall: Seconds on the clock, which other work on the machine makes longer.
        processor: Seconds of this process on processors, which it does not, or far less.
    """

    wall: float
    processor: float


@contextmanager
def subjects(device: str) -> Iterator[dict[str, Subject]]:
    """Load the bundled model, one of GPT-2 small's shape with random weights, and one added."""
    mini = locate(MINI).folder
    with TemporaryDirectory() as folder:
        torch.manual_seed(0)
        GPT2LMHeadModel(GPT2Config()).save_pretrained(folder)
        AutoTokenizer.from_pretrained(mini).save_pretrained(folder)
        loaded = {MINI: _subject(mini, device), SMALL: _subject(Path(folder), device)}
        if added := model_home.at_hand().get(ADDED):
            loaded |= {
                f"{ADDED}, {dtype}": _subject(added, device, dtype)
                for dtype in ("float32", "bfloat16")
            }
        yield loaded


def _subject(folder: Path, device: str, dtype: str = "float32") -> Subject:
    traced = replace(load_model(folder, device=device, dtype=dtype), stop_ids=frozenset())

    def plain(attention: str) -> PreTrainedModel:
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=traced.dtype, attn_implementation=attention
        )
        model.generation_config.eos_token_id = None
        # The very same weights: by where it lies in memory a copy is faster or slower by a tenth.
        model.load_state_dict(traced.module.state_dict(), assign=True)
        model.tie_weights()
        return model.eval()

    return Subject(traced, plain("sdpa"), plain("eager"))


def prompt_of(model: LoadedModel, n_tokens: int) -> str:
    """Return a text of exactly this many tokens."""
    ids = model.tokenize(TEXT * (1 + n_tokens // 40))
    prompt = model.text_of(ids[:n_tokens])
    if model.count_tokens(prompt) != n_tokens:
        raise RuntimeError(f"a text of {n_tokens} tokens is cut up anew into another number")
    return prompt


def _generate(model: Any, ids: Tensor, n_new: int, **options: Any) -> list[int]:
    result = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=n_new,
        do_sample=False,
        pad_token_id=0,
        return_dict_in_generate=True,
        **options,
    )
    return result.sequences[0].tolist()


def generated(subject: Subject, prompt: str, n_new: int) -> list[int]:
    """Return what plain `generate` says, the prompt's tokens before it."""
    ids = torch.tensor([subject.traced.tokenize(prompt)], device=subject.traced.device)
    return _generate(subject.plain, ids, n_new)


@torch.inference_mode()
def _clone_every_step(model: PreTrainedModel, ids: Tensor, n_new: int) -> list[int]:
    """Generate with transformers' cache and keep a copy of all of it after every step."""
    cache: Any = DynamicCache(config=model.config)
    fed, tokens = ids, ids[0].tolist()
    kept: list[list[tuple[Tensor, Tensor]]] = []
    for _ in range(n_new):
        output: Any = model(fed, past_key_values=cache, use_cache=True, logits_to_keep=1)
        kept.append([(layer.keys.clone(), layer.values.clone()) for layer in cache.layers])
        fed = output.logits[:, -1].argmax(-1, keepdim=True)
        tokens.append(int(fed))
    return tokens


def _ways(subject: Subject, n_prompt: int, n_new: int) -> dict[str, Callable[[], list[int]]]:
    prompt = prompt_of(subject.traced, n_prompt)
    ids = torch.tensor([subject.traced.tokenize(prompt)], device=subject.traced.device)
    return {
        "generate": lambda: _generate(subject.plain, ids, n_new),
        "trace": lambda: trace_generation(
            subject.traced, prompt, max_new_tokens=n_new
        ).token_ids.tolist(),
        "generate_with_attentions": lambda: _generate(
            subject.eager, ids, n_new, output_attentions=True
        ),
        "clone_the_cache": lambda: _clone_every_step(subject.plain, ids, n_new),
    }


def _time_ways(subject: Subject, n_prompt: int, n_new: int, repeats: int) -> dict[str, list[Times]]:
    ways = _ways(subject, n_prompt, n_new)
    tokens = {name: run() for name, run in ways.items()}  # warms up, too
    # In bfloat16 each way of attending rounds otherwise, and tokens may part; their number cannot.
    is_exact = subject.traced.dtype.itemsize >= 4
    said = {name: one if is_exact else len(one) for name, one in tokens.items()}
    if any(other != said["generate"] for other in said.values()):
        raise RuntimeError(f"not the same tokens: {tokens}")
    times: dict[str, list[Times]] = {name: [] for name in ways}
    names = list(ways)
    for turn in range(repeats):
        # Each turn starts with another, so that none always follows the same one.
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            synchronise(subject.traced.device)
            start = Times(time.perf_counter(), time.process_time())
            ways[name]()
            synchronise(subject.traced.device)
            stop = Times(time.perf_counter(), time.process_time())
            times[name].append(Times(*(b - a for a, b in zip(start, stop, strict=True))))
    return times


def measure_trace_cost(device: str = "auto", repeats: int = 25) -> list[dict[str, Any]]:
    """Measure a complete trace against plain `generate` of the same tokens, and two rivals.

    The rivals record less: `generate` with the patterns of every step on an eager model, and a
    loop that copies the cache after every step.

    Args:
        device: As for `load_model`.
        repeats: Turns, each of which runs all four.

    Returns:
        One row a model and way: seconds, and the ratio to `generate` in the same turn, by the
        clock and by processor time. On a busy machine only the latter is steady; where the work is
        done by an accelerator only the former means anything.
    """
    rows: list[dict[str, Any]] = []
    with subjects(device) as loaded:
        for name, subject in loaded.items():
            n_prompt, n_new = 32, 64 if name == MINI else 32
            with thread_count(subject.traced.n_threads):
                times = _time_ways(subject, n_prompt, n_new, repeats)
            for way, turns in times.items():
                pairs = list(zip(turns, times["generate"], strict=True))
                rows.append(
                    {
                        "model": name,
                        "device": subject.traced.card.device,
                        "threads": subject.traced.n_threads,
                        "tokens": f"{n_prompt} + {n_new}",
                        "way": way,
                        "seconds": spread([turn.wall for turn in turns]),
                        "ratio": spread([a.wall / b.wall for a, b in pairs]),
                        "processor_ratio": spread([a.processor / b.processor for a, b in pairs]),
                    }
                )
    return rows


def measure_cache_saving(device: str = "auto") -> list[dict[str, Any]]:
    """Measure the time of a step with the cache against one without, by length.

    Args:
        device: As for `load_model`.

    Returns:
        One row a model and length: seconds of the last `TIMED_STEPS` steps up to that many tokens,
        with the cache and without, and the ratios of their medians and of their counted FLOPs.
    """
    rows: list[dict[str, Any]] = []
    with subjects(device) as loaded:
        for name, lengths in ((MINI, (16, 64, 256, 1024)), (SMALL, (16, 64, 256))):
            model = loaded[name].traced
            for n_tokens in lengths:
                prompt = prompt_of(model, n_tokens - TIMED_STEPS - 1)
                cached, uncached = (
                    # The first step is the prefill, which is the same with the cache and without.
                    trace_generation(
                        model, prompt, max_new_tokens=TIMED_STEPS + 1, use_cache=use_cache
                    ).steps[1:]
                    for use_cache in (True, False)
                )
                with_cache = spread([step.seconds for step in cached])
                without = spread([step.seconds for step in uncached])
                rows.append(
                    {
                        "model": name,
                        "device": model.card.device,
                        "tokens": n_tokens,
                        "cached_step_seconds": with_cache,
                        "uncached_step_seconds": without,
                        "seconds_ratio": without["median"] / with_cache["median"],
                        "flops_ratio": uncached[-1].flops / cached[-1].flops,
                    }
                )
    return rows
