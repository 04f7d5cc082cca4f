"""Loaded models, shared by everyone who uses the app."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

import streamlit as st

from kvviz.published.catalogue import PREFIX
from kvviz.ui.shell.environment import Environment
from kvviz.ui.work.model_names import WEIGHTS
from kvviz.ui.work.run_settings import RunSettings

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

N_KEPT = 3

Key = tuple[str, str, str]

importing = Lock()
"""One thread at a time imports the engine: two that meet inside transformers' lazy modules can each
find the other's half done."""


class ModelStore:
    """Keep the models last asked for, each loaded once however many ask at the same time."""

    def __init__(self, n_kept: int = N_KEPT) -> None:
        self._n_kept = n_kept
        self._models: OrderedDict[Key, LoadedModel] = OrderedDict()
        self._loading: dict[Key, Lock] = {}
        self._lock = Lock()

    def get(self, settings: RunSettings) -> LoadedModel:
        """Return the model of these settings, loading it if need be.

        Raises:
            ModelNotFoundError: Where only listed models are loaded, and this is none of them,
                whoever asked and by whatever way.
            KvvizError: What `kvviz.engine.load_model` raises.
        """
        environment = Environment.read()
        if not environment.mode.is_open:
            environment.require(settings.model, typed_here=False)
        key = model_key(settings)
        with self._lock:
            loading = self._loading.setdefault(key, Lock())
        try:
            with loading:
                model = self.peek(settings)
                if model is None:
                    with importing:
                        from kvviz.engine import load_model

                    model = load_model(key[0], device=key[1], dtype=key[2])
                with self._lock:
                    self._models[key] = model
                    self._models.move_to_end(key)
                    while len(self._models) > self._n_kept:
                        self._models.popitem(last=False)
        finally:
            with self._lock:
                if not loading.locked():
                    self._loading.pop(key, None)
        return model

    def peek(self, settings: RunSettings) -> LoadedModel | None:
        """Return the model of these settings if it is there already, on a device that works."""
        with self._lock:
            model = self._models.get(model_key(settings))
            return None if model is None or model.is_lost else model

    def named(self, name: str) -> LoadedModel | None:
        """Return a model of that name if one is there already, on whatever device."""
        with self._lock:
            return next((model for key, model in self._models.items() if key[0] == name), None)


def model_key(settings: RunSettings) -> Key:
    """Return what a model is loaded by: its name, device and number format.

    Only of one that was added a format is chosen.
    """
    name = settings.model
    was_added = name.startswith(PREFIX) and not (WEIGHTS / name.removeprefix(PREFIX)).is_dir()
    is_plain = settings.dtype == "auto" and not was_added
    return name, settings.device, "float32" if is_plain else settings.dtype


@st.cache_resource(show_spinner=False)
def model_store() -> ModelStore:
    """Return the one store of this process."""
    return ModelStore()
