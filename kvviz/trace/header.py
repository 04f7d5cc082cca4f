"""The JSON header of a trace file: everything about a run but its large arrays."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from kvviz.errors import KvvizError, TraceFileError
from kvviz.trace.generation import GenerationTrace, Stop
from kvviz.trace.model_card import ModelCard
from kvviz.trace.options import GenerationOptions
from kvviz.trace.step import Step

MAGIC = "kvviz-trace"
FORMAT_VERSION = 1

MAX_TOKENS = 8_192
"""Longest run a file may hold: checking one takes time with the square of its tokens."""
MAX_HEADER_BYTES = 16 * 2**20
MAX_PROMPT_CHARACTERS = 1_000_000
MAX_TEXT_CHARACTERS = 4_096
"""Longest text beside the prompt, such as a token or a model's name."""
MAX_DEPTH = 5

_FIELDS = {
    "magic",
    "format",
    "model",
    "prompt",
    "options",
    "tokens",
    "n_prompt",
    "n_likely",
    "steps",
    "stopped",
    "vocabulary",
    "environment",
}
_POSITIONS = ("fed", "computed", "reused")
_STEP_FIELDS = {
    *_POSITIONS,
    "chosen_id",
    "chosen_prob",
    "seconds",
    "flops",
    "cache_bytes",
    "max_row_change",
}


@dataclass(frozen=True)
class Header:
    """A header whose fields are all there and of the right type.

    Attributes:
        model: The model's card.
        options: How tokens were generated.
        prompt: The text as it was typed.
        tokens: Texts of prompt and generated tokens.
        n_prompt: How many of them are the prompt.
        n_likely: How many likely tokens each step names.
        steps: The numbers of each step, as they stand in the file.
        stopped: Why the run ended.
        vocabulary: Texts of the tokens that steps name.
        environment: Versions and machine.
    """

    model: ModelCard
    options: GenerationOptions
    prompt: str
    tokens: list[str]
    n_prompt: int
    n_likely: int
    steps: list[dict[str, Any]]
    stopped: Stop
    vocabulary: dict[int, str]
    environment: dict[str, str]

    @property
    def n_rows(self) -> int:
        """Rows that the arrays of the file hold: one a token, but for the last."""
        return len(self.tokens) - 1

    def built_steps(self, likely: Mapping[str, np.ndarray[Any, Any]]) -> list[Step]:
        """Build the steps from their numbers here and the likely tokens in the file's arrays.

        Raises:
            TraceError: If they contradict each other.
        """
        # Steps share views of one array: without the cache each of them names every position.
        positions = np.arange(self.n_rows, dtype=np.int64)
        steps: list[Step] = []
        for number, facts in enumerate(self.steps):
            arrays: dict[str, Any] = {name: positions[slice(*facts[name])] for name in _POSITIONS}
            arrays |= {name: array[number] for name, array in likely.items()}
            kind = "decode" if number else "prefill"
            steps.append(Step(index=number, kind=kind, **facts | arrays))
        return steps


def write_header(trace: GenerationTrace) -> bytes:
    """Return the header of a trace, as UTF-8 JSON that `read_header` accepts.

    Raises:
        TraceFileError: If the run is longer or its texts are larger than a file may hold.
    """
    header = {
        "magic": MAGIC,
        "format": FORMAT_VERSION,
        "model": trace.model.to_json(),
        "prompt": trace.prompt,
        "options": trace.options.to_json(),
        "tokens": trace.tokens,
        "n_prompt": trace.n_prompt,
        "n_likely": int(trace.steps[0].top_ids.size),
        "steps": [_step_facts(step) for step in trace.steps],
        "stopped": trace.stopped,
        "vocabulary": {str(token_id): text for token_id, text in trace.vocabulary.items()},
        "environment": dict(trace.environment),
    }
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    data = text.encode()
    read_header(data)
    return data


def _step_facts(step: Step) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "chosen_id": int(step.chosen_id),
        "chosen_prob": float(step.chosen_prob),
        "seconds": float(step.seconds),
        "flops": int(step.flops),
        "cache_bytes": int(step.cache_bytes),
        "max_row_change": float(step.max_row_change),
    }
    for name in _POSITIONS:
        positions = getattr(step, name)
        # The positions of a step follow one another, so that two numbers tell them all.
        facts[name] = [int(positions[0]), int(positions[-1]) + 1] if positions.size else [0, 0]
    return facts


def read_header(data: bytes) -> Header:
    """Read a header that may come from anywhere.

    Raises:
        TraceFileError: If it is no JSON, no header of a kvviz trace, of another format version,
            lacks a field, has one too many, or a field of the wrong type or too large.
    """
    if len(data) > MAX_HEADER_BYTES:
        raise damaged(f"Its header takes {len(data):,} bytes, more than {MAX_HEADER_BYTES:,}.")
    try:
        parsed: Any = json.loads(data.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise damaged("Its header is not JSON.") from error
    facts = cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}
    if facts.get("magic") != MAGIC:
        raise TraceFileError(
            "This is not a kvviz trace.",
            found="Its header does not say so.",
            fix="Choose a file that kvviz saved.",
        )
    if facts.get("format") != FORMAT_VERSION:
        raise TraceFileError(
            "This trace is in a format that this kvviz does not know.",
            found=f"It says format {_short(facts.get('format'))}, and format {FORMAT_VERSION} "
            "can be read.",
            fix="Update kvviz, or save the run again with this one.",
        )
    if set(facts) != _FIELDS:
        raise damaged(f"Its header lacks or adds {_names(set(facts) ^ _FIELDS)}.")
    _check_plain({name: value for name, value in facts.items() if name != "prompt"}, "header", 0)
    return _typed(facts)


def _typed(facts: dict[str, Any]) -> Header:
    prompt = facts["prompt"]
    if not isinstance(prompt, str) or len(prompt) > MAX_PROMPT_CHARACTERS:
        raise damaged(f"Its prompt is no text of up to {MAX_PROMPT_CHARACTERS:,} characters.")
    tokens = _list(facts, "tokens", _is(str))
    if len(tokens) > MAX_TOKENS:
        raise TraceFileError(
            "This trace is too long.",
            found=f"It has {len(tokens):,} tokens, and a file holds up to {MAX_TOKENS:,}.",
            fix="Generate fewer tokens, or use a shorter prompt.",
        )
    for name in ("n_prompt", "n_likely"):
        if not _is(int)(facts[name]) or facts[name] < 1:
            raise damaged(f"{name} in its header is {_short(facts[name])}.")
    n_steps = len(_list(facts, "steps", _is(dict)))
    if not tokens or facts["n_prompt"] + n_steps != len(tokens):
        raise damaged(
            f"Its header has {facts['n_prompt']} prompt tokens, {n_steps} steps and "
            f"{len(tokens)} tokens."
        )
    steps = [_typed_step(step, n, len(tokens)) for n, step in enumerate(facts["steps"])]
    vocabulary = _texts(facts, "vocabulary")
    if not all(key.isascii() and key.isdecimal() for key in vocabulary):
        raise damaged("The vocabulary in its header has a key that is no token id.")
    try:
        model = ModelCard.from_json(facts["model"])
        options = GenerationOptions.from_json(facts["options"])
    except KvvizError as error:
        raise damaged(str(error)) from error
    return Header(
        model=model,
        options=options,
        prompt=prompt,
        tokens=tokens,
        n_prompt=facts["n_prompt"],
        n_likely=facts["n_likely"],
        steps=steps,
        stopped=facts["stopped"],
        vocabulary={int(key): text for key, text in vocabulary.items()},
        environment=_texts(facts, "environment"),
    )


def _typed_step(facts: dict[str, Any], number: int, n_tokens: int) -> dict[str, Any]:
    if set(facts) != _STEP_FIELDS:
        raise damaged(f"Step {number} lacks or adds {_names(set(facts) ^ _STEP_FIELDS)}.")
    for name in _POSITIONS:
        ends = facts[name]
        if (
            not isinstance(ends, list)
            or [type(end) for end in cast("list[Any]", ends)] != [int, int]
            or not 0 <= ends[0] <= ends[1] < n_tokens
        ):
            raise damaged(f"{name} of step {number} is {_short(cast('object', ends))}.")
    for name in ("chosen_id", "flops", "cache_bytes"):
        if type(facts[name]) is not int:
            raise damaged(f"{name} of step {number} is {_short(facts[name])}.")
    for name in ("chosen_prob", "seconds", "max_row_change"):
        if type(facts[name]) is not float:
            raise damaged(f"{name} of step {number} is {_short(facts[name])}.")
    return facts


def _check_plain(value: Any, where: str, depth: int) -> None:
    """Refuse what no saved header holds: deep nesting, long texts, enormous numbers."""
    if depth > MAX_DEPTH:
        raise damaged(f"Its {where} is nested too deeply.")
    if isinstance(value, dict):
        for key, part in cast("dict[str, Any]", value).items():
            _check_plain(key, where, depth)
            _check_plain(part, key, depth + 1)
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            _check_plain(part, where, depth + 1)
    elif isinstance(value, str) and len(value) > MAX_TEXT_CHARACTERS:
        raise damaged(f"A text in its {where} is longer than {MAX_TEXT_CHARACTERS:,} characters.")
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise damaged(f"A number in its {where} is too large.")
    elif isinstance(value, float) and not math.isfinite(value):
        raise damaged(f"A number in its {where} is not finite.")


def _list(facts: dict[str, Any], name: str, is_right: Callable[[Any], bool]) -> list[Any]:
    values = facts[name]
    if not isinstance(values, list) or not all(map(is_right, cast("list[Any]", values))):
        raise damaged(f"{name} in its header is not the list that it should be.")
    return cast("list[Any]", values)


def _texts(facts: dict[str, Any], name: str) -> dict[str, str]:
    values = facts[name]
    if not isinstance(values, dict) or not all(map(_is(str), cast("Any", values).values())):
        raise damaged(f"{name} in its header is not made of texts.")
    return cast("dict[str, str]", values)


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda value: type(value) is kind


def _refuse_constant(text: str) -> Any:
    raise ValueError(text)


def _names(names: set[str]) -> str:
    return _short(", ".join(sorted(names)[:3]))


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def damaged(found: str) -> TraceFileError:
    """Build the error for a file that is a trace but not a sound one."""
    return TraceFileError(
        "This trace file is damaged.",
        found=found,
        fix="Save the run again, or fetch the file anew.",
    )
