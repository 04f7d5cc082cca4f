"""What a person can do about an error with one click."""

from __future__ import annotations

from dataclasses import replace

from kvviz.errors import (
    ContextLengthError,
    DeviceError,
    ModelFamilyError,
    ModelFilesError,
    ModelNotFoundError,
    NetworkError,
    OutOfMemoryError,
)
from kvviz.ui.shell.links import RunSettings
from kvviz.ui.work.model_names import bundled_models
from kvviz.ui.work.model_store import model_store

OF_THE_MODEL = (ModelNotFoundError, ModelFilesError, ModelFamilyError, NetworkError)


def remedy(error: Exception, attempt: RunSettings) -> tuple[str, RunSettings] | None:
    """Return what to try instead of a run that failed, and the words of its button.

    Returns:
        None where only the person can know what to change.
    """
    usual = RunSettings()
    if isinstance(error, ContextLengthError):
        model = model_store().peek(attempt)
        room = 0 if model is None else model.card.n_ctx - model.count_tokens(attempt.prompt)
        if room < 1:
            return None
        return f"Generate {room:,} new tokens instead", replace(attempt, new=room)
    if isinstance(error, OF_THE_MODEL) and attempt.model != usual.model:
        label = bundled_models()[usual.model].split(" · ")[0]
        return f"Run it with {label}", replace(attempt, model=usual.model)
    if isinstance(error, (DeviceError, OutOfMemoryError)):
        plain = replace(attempt, device="auto", dtype="float32")
        if isinstance(error, DeviceError) and plain != attempt:
            return "Run it in float32 where it fits", plain
        if attempt.device != "cpu":
            return "Run it on the CPU", replace(plain, device="cpu")
    return None
