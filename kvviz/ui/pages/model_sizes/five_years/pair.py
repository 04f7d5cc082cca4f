"""The two models that are set beside each other, and how they are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvviz.ui.shell.environment import Environment
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import RunSettings

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

OLD, NEW = "kvviz/gpt2-mini", "kvviz/llama-mini"


def settings_of(name: str, text: str = "") -> RunSettings:
    """Return what loads one of them, in float32, and has it read a text."""
    device = Environment.read().device
    return RunSettings(model=name, prompt=text, new=1, device=device, dtype="float32")


def loaded(name: str) -> LoadedModel:
    """Return one of them, loading it if need be.

    Raises:
        KvvizError: What `kvviz.engine.load_model` raises.
    """
    return model_store().get(settings_of(name))
