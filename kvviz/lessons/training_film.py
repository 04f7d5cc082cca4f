"""Read the film of a training: at some two dozen points, the loss and what the model would say.

A film is a file of JSON lines that a training writes beside the weights it ends with. It was
recorded while the model learnt; nothing in it is computed when it is shown.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from kvviz.lessons.lesson_files import LessonError
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


@dataclass(frozen=True)
class Guess:
    """A token that a model thought likely, and its probability."""

    token: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """What a model made of one sentence.

    Attributes:
        prompt: What it was given; a hidden word is written as the tokenizer's mask token.
        guesses: The likeliest tokens, likeliest first.
        continuation: How it went on by itself, always with its likeliest token; empty for a model
            that does not go on.
    """

    prompt: str
    guesses: tuple[Guess, ...]
    continuation: str = ""


@dataclass(frozen=True)
class FilmPoint:
    """A model at one point of its training.

    Attributes:
        step: Updates of the weights so far.
        n_tokens: Tokens seen so far.
        progress: Share of the training that is done, in [0, 1].
        heldout_nats: Mean loss on text that is never trained on, in nats a predicted token.
        predictions: One for each sentence, the same sentences at every point.
    """

    step: int
    n_tokens: int
    progress: float
    heldout_nats: float
    predictions: tuple[Prediction, ...]

    @property
    def heldout_bits(self) -> float:
        """The same loss in bits."""
        return self.heldout_nats / math.log(2)

    def leaders(self) -> tuple[str, ...]:
        """Return the likeliest token of each sentence."""
        return tuple(prediction.guesses[0].token for prediction in self.predictions)


Film = tuple[FilmPoint, ...]


def read_film(path: Path) -> Film:
    """Read a film and check it.

    Returns:
        Its points, in the order of the training.

    Raises:
        LessonError: If the file cannot be read, or is no film.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        film = tuple(_point(json.loads(line)) for line in lines if line.strip())
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise LessonError(
            _("A training film cannot be read."),
            found=f"{path.name}: {type(error).__name__} {error}.",
        ) from error
    prompts = {tuple(one.prompt for one in point.predictions) for point in film}
    steps = [point.step for point in film]
    if not film or len(prompts) != 1 or steps != sorted(set(steps)):
        raise LessonError(
            _("A training film has points in order, with the same sentences at each."),
            found=_("{file} has {points} and {sets}.").format(
                file=path.name,
                points=ngettext("{n} point", "{n} points", len(film)).format(n=len(film)),
                sets=ngettext("{n} set of sentences", "{n} sets of sentences", len(prompts)).format(
                    n=len(prompts)
                ),
            ),
        )
    return film


def first_lead(film: Film, sentence: int, token: str) -> FilmPoint | None:
    """Return the first point at which a token leads in a sentence, None if it never does."""
    return next((point for point in film if point.leaders()[sentence] == token), None)


def first_common_leader(film: Film) -> FilmPoint | None:
    """Return the first point at which one token leads in at least half of the sentences."""
    for point in film:
        leaders = point.leaders()
        if max(map(leaders.count, leaders)) * 2 >= len(leaders):
            return point
    return None


def _point(data: dict[str, Any]) -> FilmPoint:
    point = FilmPoint(
        step=int(data["step"]),
        n_tokens=int(data["tokens"]),
        progress=float(data["progress"]),
        heldout_nats=float(data["heldout_nats_per_token"]),
        predictions=tuple(_prediction(one) for one in data["predictions"]),
    )
    if not math.isfinite(point.heldout_nats) or not point.predictions:
        raise ValueError(f"step {point.step} has no loss or no predictions")
    return point


def _prediction(data: dict[str, Any]) -> Prediction:
    guesses = tuple(Guess(str(one["token"]), float(one["p"])) for one in data["top"])
    if not guesses or any(not 0 <= guess.probability <= 1 for guess in guesses):
        raise ValueError("a prediction has no tokens, or a probability outside [0, 1]")
    return Prediction(str(data["prompt"]), guesses, cast("str", data.get("greedy", "")))
