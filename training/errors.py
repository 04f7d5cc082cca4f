"""Errors of the training commands, in the same three parts as the rest of kvviz."""

from __future__ import annotations

from kvviz.errors import KvvizError


class TrainingError(KvvizError):
    """Base of the errors that the training commands raise on purpose."""


class CorpusError(TrainingError):
    """The corpus is missing, incomplete, or not the one its README describes."""


class CheckpointError(TrainingError):
    """A checkpoint cannot be written, cannot be read, or belongs to another run."""


class RecipeError(TrainingError):
    """A setting of a training run is unknown or out of its range."""
