"""What models are called on the pages, without loading one."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import kvviz
from kvviz.trace.model_card import Family

WEIGHTS = Path(kvviz.__file__).parent / "weights"


class FamilyName(NamedTuple):
    """What a family is called, and how its configs name layers and heads.

    Attributes:
        title: As people write it.
        example: A model of it that a person could type.
        layers: Name of the number of layers in a config.
        heads: Name of the number of heads.
    """

    title: str
    example: str
    layers: str
    heads: str


FAMILY_NAMES: dict[Family, FamilyName] = {
    "gpt2": FamilyName("GPT-2", "gpt2, or /path/to/a/folder", "n_layer", "n_head"),
    "bert": FamilyName(
        "BERT",
        "bert-base-uncased, or /path/to/a/folder",
        "num_hidden_layers",
        "num_attention_heads",
    ),
    "t5": FamilyName("T5", "t5-small, or /path/to/a/folder", "num_layers", "num_heads"),
}


@cache
def bundled_models(family: Family = "gpt2") -> dict[str, str]:
    """Return the models of a family that ship, name to label, without loading torch."""
    models: dict[str, str] = {}
    name = FAMILY_NAMES[family]
    for path in sorted(WEIGHTS.glob("*/config.json")):
        config = json.loads(path.read_text(encoding="utf-8"))
        if config.get("model_type") == family and (path.parent / "model.safetensors").is_file():
            size = f"{config[name.layers]} layers × {config[name.heads]} heads"
            label = path.parent.name.replace("-", " ").replace(family, name.title)
            models[f"kvviz/{path.parent.name}"] = f"{label} · {size}"
    return models


def called(model: str) -> str:
    """Return what a model is called in a sentence, such as ``GPT-2 mini``."""
    for family in FAMILY_NAMES:
        if label := bundled_models(family).get(model):
            return label.split(" · ")[0]
    return model.rstrip("/").rsplit("/", 1)[-1] or model
