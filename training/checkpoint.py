"""The state of a run on disk: whole or absent, and refused where it does not fit."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from training.errors import CheckpointError
from training.files import write_whole
from training.recipes import Shape

FORMAT = 1


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Attributes:
        step: Steps done; also the number of the next batch.
        tokens: Tokens seen.
        seconds: Time spent, over all resumes.
        started: Wall clock at the first step.
        film_points: Film points reached.
    """

    step: int
    tokens: int
    seconds: float
    started: float
    film_points: int


@dataclass(frozen=True)
class Checkpoint:
    """A run that can go on.

    Attributes:
        model: State dict of the model.
        optimiser: State of both optimisers.
        progress: How far it has come.
        shape: Sizes of the model.
        run: Recipe name, seed, corpus, versions: what must agree, and what the card tells.
    """

    model: dict[str, Any]
    optimiser: dict[str, Any]
    progress: Progress
    shape: Shape
    run: dict[str, Any]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint; the one before stays until the new one is whole.

    Raises:
        CheckpointError: The disk is full or cannot be written to.
    """
    buffer = io.BytesIO()
    torch.save(
        {
            "format": FORMAT,
            "model": checkpoint.model,
            "optimiser": checkpoint.optimiser,
            "progress": asdict(checkpoint.progress),
            "shape": asdict(checkpoint.shape),
            "run": checkpoint.run,
        },
        buffer,
    )
    write_whole(path, buffer.getvalue())


def load_checkpoint(path: Path, shape: Shape | None = None) -> Checkpoint:
    """Reads a checkpoint.

    Args:
        path: The file.
        shape: The sizes it must have; None takes any.

    Raises:
        CheckpointError: There is no such file, it is damaged, or it holds another shape.
    """
    if not path.exists():
        raise CheckpointError(
            "There is no checkpoint.",
            found=f"Looked for {path}.",
            fix="Start without --resume, or give the folder of an earlier run with --out.",
        )
    try:
        raw = torch.load(path, map_location="cpu", weights_only=True)
        if raw["format"] != FORMAT:
            raise CheckpointError(
                "The checkpoint has another format.",
                found=f"Format {raw['format']}, this program reads {FORMAT}.",
                fix="Resume it with the version that wrote it, or start anew.",
            )
        checkpoint = Checkpoint(
            model=raw["model"],
            optimiser=raw["optimiser"],
            progress=Progress(**raw["progress"]),
            shape=Shape(**raw["shape"]),
            run=raw["run"],
        )
    except CheckpointError:
        raise
    except Exception as error:  # torch raises many kinds for a damaged file
        raise CheckpointError(
            "The checkpoint cannot be read.",
            found=f"{path}: {error}".splitlines()[0],
            fix="Delete it and start anew.",
        ) from error
    if shape is not None and checkpoint.shape != shape:
        found, wanted = asdict(checkpoint.shape), asdict(shape)
        differences = ", ".join(
            f"{key} {found[key]} instead of {wanted[key]}"
            for key in wanted
            if found[key] != wanted[key]
        )
        raise CheckpointError(
            "The checkpoint is of another shape.",
            found=f"It has {differences}.",
            fix="Give another folder with --out, or start without --resume.",
        )
    return checkpoint
