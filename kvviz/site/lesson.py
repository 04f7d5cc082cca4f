"""A page of the site before it is written: what is drawn, asked and told, and what made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import kvviz
from kvviz.trace import ModelCard
from kvviz.ui.parts.experiment import Experiment

PACKAGE = Path(kvviz.__file__).parent


@dataclass(frozen=True)
class FrontEnd:
    """What draws a picture: the bundle that the app has as well.

    Attributes:
        name: By which the page's own script knows what it mounts (`js/lesson.js`).
        bundle: Its script.
        exported: The function of it that is called, by the name that it is exported as.
        styles: Its style sheets.
    """

    name: Literal["player", "twins", "film"]
    bundle: Path
    exported: str
    styles: tuple[Path, ...]


_PLAYER, _PAGES = PACKAGE / "player", PACKAGE / "ui" / "pages"
PLAYER = FrontEnd("player", _PLAYER / "player.bundle.js", "mountPlayer", (_PLAYER / "player.css",))
TWINS = FrontEnd(
    "twins",
    _PAGES / "bert_vs_gpt2" / "patterns.bundle.js",
    "mountTwins",
    # How a row is made is dressed as in the player.
    (_PAGES / "bert_vs_gpt2" / "patterns.css", _PLAYER / "player.css"),
)
FILM = FrontEnd(
    "film",
    _PAGES / "language_modelling" / "training_film.bundle.js",
    "default",
    tuple(
        _PAGES / "language_modelling" / f"{name}.css" for name in ("token_columns", "training_film")
    ),
)


@dataclass(frozen=True)
class Picture:
    """What a front end draws on a page.

    Attributes:
        front_end: Who draws it.
        heading: What it is called, for those who are read to.
        whole: The buffer that it is drawn from.
        covered: The same without what the question asks for, drawn until it is answered; None where
            nothing is covered.
    """

    front_end: FrontEnd
    heading: str
    whole: bytes
    covered: bytes | None = None


@dataclass(frozen=True)
class Recorded:
    """What a page was recorded with.

    Attributes:
        models: What the models are called.
        card: The shape of the first, with its number format and device.
        environment: Versions and machine, as a trace has them.
    """

    models: tuple[str, ...]
    card: ModelCard
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Lesson:
    """One page.

    Attributes:
        address: Name of its file, without the ending.
        page: Name of the page of the app that does the same live.
        title: What stands above it, and in the navigation where it is the first of its page.
        lead: What it is about.
        picture: What is drawn.
        experiment: What is asked, and what is told of it.
        found: What the experiment's work gave.
        asked_first: Whether the question stands above the picture.
        recorded: What it was recorded with; None where it was recorded when models were trained.
        source: Where that was, or a line on the picture; may be empty.
        does: What is done on it, where several share a page of the app; else empty.
        intro: What the first page says of it.
    """

    address: str
    page: str
    title: str
    lead: str
    picture: Picture
    experiment: Experiment
    found: Any
    asked_first: bool
    recorded: Recorded | None
    source: str
    does: str = ""
    intro: str = ""

    @property
    def file(self) -> str:
        """Its file in the folder of the site, which is its relative address too."""
        return f"{self.address}.html"
