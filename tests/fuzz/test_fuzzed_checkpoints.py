"""A thousand checkpoints that were changed: each loads and runs, or is refused in a sentence."""

from __future__ import annotations

import json
import shutil
import struct
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kvviz.engine import load_model, trace_encoding, trace_generation
from tests.fuzz.broken_traces import other_bytes
from tests.fuzz.cases import REFUSED, changed, each, places, taken
from tests.parity.tiny_berts import TinyBert
from tests.parity.tiny_decoders import TinyDecoder
from tests.parity.tiny_models import TinyModel
from tests.parity.tiny_t5s import TinyT5

TINY = {
    "gpt2": TinyModel("tiny", config={"n_layer": 1}),
    "bert": TinyBert("tiny", config={"num_hidden_layers": 1}),
    "t5": TinyT5("tiny", config={"num_layers": 1}),
    "llama": TinyDecoder("tiny", config={"num_hidden_layers": 1}),
    "gemma3": TinyDecoder("tiny", "Gemma3", config={"num_hidden_layers": 2, "sliding_window": 3}),
}
CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
OTHER_VALUES = (0, 1, -1, 2, 3, 5, 48, 10**9, 2**63, 0.5, 1e-30, "gelu", "", None, True, [], {},
                "<b>x</b>", "linear", [0], "float16")  # fmt: skip


@dataclass
class Checkpoint:
    """A folder whose files are spoilt and made whole again."""

    folder: Path

    @cached_property
    def sound(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    @cached_property
    def trees(self) -> dict[str, Any]:
        return {name: json.loads(data) for name, data in self.sound.items() if name[-5:] == ".json"}

    @cached_property
    def tensors(self) -> tuple[dict[str, Any], bytes]:
        """The header of the weights, and their bytes."""
        data = self.sound[WEIGHTS]
        (length,) = struct.unpack("<Q", data[:8])
        return json.loads(data[8 : 8 + length]), data[8 + length :]

    def outcome(self, name: str, data: bytes) -> str:
        """Load and run the model with this file in place of its own; say what came of it."""
        path = self.folder / name
        path.write_bytes(data)

        def run() -> object:
            model = load_model(self.folder, device="cpu")
            if model.family.architecture == "encoder":
                return trace_encoding(model, "The cat sat")
            return trace_generation(model, "The cat sat", max_new_tokens=2)

        try:
            return "refused" if taken(run) is REFUSED else "runs"
        finally:
            path.write_bytes(self.sound[name])


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory) -> list[Checkpoint]:
    folder = tmp_path_factory.mktemp("checkpoints")
    made = [Checkpoint(tiny.save(folder / name)) for name, tiny in TINY.items()]
    for one in made:
        assert one.sound, "read before anything is spoilt"
    yield made
    shutil.rmtree(folder)


def other_config(draw: Random, of: Checkpoint) -> tuple[str, bytes]:
    name = CONFIG if draw.random() < 0.9 else draw.choice([*of.trees])
    tree = of.trees[name]
    if draw.random() < 0.7 and name == CONFIG:
        tree = tree | {draw.choice([*tree]): draw.choice(OTHER_VALUES)}
    else:
        tree = changed(draw, tree)
    data = json.dumps(tree).encode()
    return name, other_bytes(draw, data) if draw.random() < 0.05 else data


def other_tensors(draw: Random, of: Checkpoint) -> tuple[str, bytes]:
    header, numbers = of.tensors
    length = None
    match draw.randrange(5):
        case 0:
            return WEIGHTS, other_bytes(draw, of.sound[WEIGHTS])
        case 1:
            length = draw.choice((0, 1, 2**32, 2**63, 2**64 - 1, draw.randrange(2000)))
        case 2:
            name = draw.choice([one for one in header if one != "__metadata__"])
            other = draw.choice((
                {"dtype": draw.choice(("F16", "BF16", "F64", "I8", "F8_E4M3", "X"))},
                {"shape": draw.choice(([0], [2**40], [2**63, 2], [-1], [1, 1, 1], []))},
                {"data_offsets": draw.choice(([0, 0], [0, 2**60], [8, 4], [0], [-4, 0]))},
            ))  # fmt: skip
            header = header | {name: header[name] | other}
        case 3:
            numbers = numbers[: draw.randrange(len(numbers))] if draw.random() < 0.5 else (
                draw.randbytes(len(numbers)))  # fmt: skip
        case _:
            header = changed(draw, header)
    text = json.dumps(header).encode()
    return WEIGHTS, struct.pack("<Q", len(text) if length is None else length) + text + numbers


def other_tokenizer(draw: Random, of: Checkpoint) -> tuple[str, bytes]:
    tree = of.trees[TOKENIZER]
    if draw.random() < 0.1:
        return TOKENIZER, other_bytes(draw, of.sound[TOKENIZER])
    # Its thousand words are all alike: what is made of them is more often another thing.
    ways = [
        path for path in places(tree) if path[:2] not in (("model", "vocab"), ("model", "merges"))
    ]
    return TOKENIZER, json.dumps(
        changed(draw, tree, ways if draw.random() < 0.8 else None)
    ).encode()


SPOILT = {"config": (450, other_config), "weights": (350, other_tensors),
          "tokenizer": (200, other_tokenizer)}  # fmt: skip


@pytest.mark.parametrize("part", SPOILT)
def test_a_changed_checkpoint_runs_or_is_refused(part, checkpoints):
    n_cases, spoil = SPOILT[part]
    outcomes = Counter[str]()

    def check(draw: Random) -> None:
        of = draw.choice(checkpoints)
        outcomes[of.outcome(*spoil(draw, of))] += 1

    each(n_cases, check)
    assert outcomes["runs"] < outcomes.total(), "nothing was spoilt"
