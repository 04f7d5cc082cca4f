"""What models are called on the pages, without loading one."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import kvviz
from kvviz.trace.model_card import Family
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _

WEIGHTS = Path(kvviz.__file__).parent / "weights"


class FamilyName(NamedTuple):
    """What a family is called, and how its configs name layers and heads.

    Attributes:
        title: As people write it.
        example: A model of it that a person could type, to be translated where it is shown.
        layers: Name of the number of layers in a config.
        heads: Name of the number of heads.
        positions: Name of the number of positions.
    """

    title: str
    example: str
    layers: str
    heads: str
    positions: str


FAMILY_NAMES: dict[Family, FamilyName] = {
    "gpt2": FamilyName(
        "GPT-2", N_("gpt2, or /path/to/a/folder"), "n_layer", "n_head", "n_positions"
    ),
    "llama": FamilyName(
        "Llama",  # not for people: a name
        N_("/path/to/a/folder"),
        "num_hidden_layers",
        "num_attention_heads",
        "max_position_embeddings",
    ),
    "bert": FamilyName(
        "BERT",
        N_("bert-base-uncased, or /path/to/a/folder"),
        "num_hidden_layers",
        "num_attention_heads",
        "max_position_embeddings",
    ),
    "t5": FamilyName(
        "T5", N_("t5-small, or /path/to/a/folder"), "num_layers", "num_heads", "n_positions"
    ),
}


class BundledModel(NamedTuple):
    """A model that ships: what it is called, such as ``GPT-2 mini``, and its size.

    Attributes:
        n_positions: None where its config names none.
    """

    title: str
    n_layers: int
    n_heads: int
    n_positions: int | None


@cache
def _bundled(family: Family) -> dict[str, BundledModel]:
    """Read the models of a family once; they hold no word that a language would change."""
    models: dict[str, BundledModel] = {}
    name = FAMILY_NAMES[family]
    for path in sorted(WEIGHTS.glob("*/config.json")):
        config = json.loads(path.read_text(encoding="utf-8"))
        if config.get("model_type") == family and (path.parent / "model.safetensors").is_file():
            models[f"kvviz/{path.parent.name}"] = BundledModel(
                path.parent.name.replace("-", " ").replace(family, name.title),
                config[name.layers],
                config[name.heads],
                config.get(name.positions),
            )
    return models


def bundled_models(family: Family = "gpt2") -> dict[str, str]:
    """Return the models of a family that ship, name to label, without loading torch."""
    return {name: f"{model.title} · {size(model)}" for name, model in _bundled(family).items()}


def bundled_decoders() -> dict[str, str]:
    """Return the decoders that ship, name to label, GPT-2s first."""
    return bundled_models("gpt2") | bundled_models("llama")


def size(model: BundledModel) -> str:
    """Return a model's layers and heads, such as ``6 layers × 8 heads``."""
    layers = ngettext("{n} layer", "{n} layers", model.n_layers).format(n=model.n_layers)
    heads = ngettext("{n} head", "{n} heads", model.n_heads).format(n=model.n_heads)
    return f"{layers} × {heads}"


def bundled_positions(model: str, family: Family) -> int | None:
    """Return how many positions a model that ships has; None of any other."""
    found = _bundled(family).get(model)
    return None if found is None else found.n_positions


def not_offered(model: str) -> str:
    """Say that a link asks for a model that is loaded for no visitor, whatever they press."""
    return _(
        "This link asks for the model {model}, which this app does not offer. Choose one from the "
        "list at the left."
    ).format(model=model)


def called(model: str) -> str:
    """Return what a model is called in a sentence, such as ``GPT-2 mini``."""
    for family in FAMILY_NAMES:
        if found := _bundled(family).get(model):
            return found.title
    return model.rstrip("/").rsplit("/", 1)[-1] or model
