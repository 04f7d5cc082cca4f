"""Which decoders are at hand to read a text, without loading one."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from kvviz.published import model_home
from kvviz.published.catalogue import CATALOGUE, PREFIX
from kvviz.ui.shell.environment import Environment
from kvviz.ui.work.model_names import WEIGHTS, called

FIRST = "kvviz/gpt2-mini"
"""Where one begins, and what every other is measured against."""
NO_DECODERS = ("bert", "t5")


@dataclass(frozen=True)
class Decoder:
    """A decoder that is at hand.

    Attributes:
        name: By which it loads.
        title: As people write it.
        n_params: Parameters, by the header of its weights.
        n_layers: Layers.
        n_heads: Query heads of a layer.
        n_kv_heads: KV heads of a layer.
        d_head: Width of a head.
    """

    name: str
    title: str
    n_params: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_head: int

    def numbers_per_token(self, *, shares: bool = True) -> int:
        """Return by formula how many numbers a token adds to the cache.

        Args:
            shares: Whether query heads share KV heads as they do; else each has one of its own.
        """
        heads = self.n_kv_heads if shares else self.n_heads
        return 2 * self.n_layers * heads * self.d_head


def decoders() -> tuple[Decoder, ...]:
    """Return those that ship and those that were added and may be loaded here, GPT-2 mini first."""
    environment = Environment.read()
    shipped = {f"{PREFIX}{path.name}": path for path in sorted(WEIGHTS.iterdir())}
    added = {
        name: folder
        for name, folder in model_home.at_hand().items()
        if environment.allows(name, typed_here=False)
    }
    found = [_decoder(name, folder) for name, folder in (shipped | added).items()]
    listed = [one for one in found if one is not None]
    return tuple(sorted(listed, key=lambda one: one.name != FIRST))


@cache
def _decoder(name: str, folder: Path) -> Decoder | None:
    """Read a model once; what has a name is whole and never changes. None of no decoder."""
    config, weights = folder / "config.json", folder / "model.safetensors"
    if not (config.is_file() and weights.is_file()):
        return None
    said: dict[str, Any] = json.loads(config.read_text(encoding="utf-8"))
    said = said.get("text_config", said)
    if said["model_type"] in NO_DECODERS:
        return None
    n_heads = _one(said, "num_attention_heads", "n_head")
    width = _one(said, "hidden_size", "n_embd")
    published = CATALOGUE.get(name.removeprefix(PREFIX))
    return Decoder(
        name,
        published.title if published else called(name),
        _n_params(weights),
        _one(said, "num_hidden_layers", "n_layer"),
        n_heads,
        said.get("num_key_value_heads") or n_heads,
        said.get("head_dim") or width // n_heads,
    )


def _one(said: dict[str, Any], name: str, name_in_gpt2: str) -> int:
    return said[name] if name in said else said[name_in_gpt2]


def _n_params(weights: Path) -> int:
    """Count the numbers in a file of weights, by the shapes in its header."""
    with weights.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header: dict[str, Any] = json.loads(file.read(length))
    return sum(math.prod(one["shape"]) for name, one in header.items() if name != "__metadata__")
