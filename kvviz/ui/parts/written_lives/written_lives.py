"""The lives of the rows of models that write, drawn by a component that paints as the player.

`js/written_buffer.js` reads what is packed here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import streamlit as st
from jaxtyping import Int32

from kvviz.player import packed_buffer
from kvviz.player.lives import life_spans
from kvviz.trace import GenerationTrace
from kvviz.trace.cut_characters import with_characters
from kvviz.translation import front_end_catalogue
from kvviz.ui.parts.painted_figure import CARD, PaintedFigure
from kvviz.ui.parts.told_place import told_place
from kvviz.ui.shell.errors_shown import bounded

HERE = Path(__file__).parent
FIGURE = PaintedFigure(
    "kvviz_written_lives", HERE / "written_lives.bundle.js", (CARD, HERE / "written_lives.css")
)
VERSION = 2
Cache = Literal["on", "off"]


@dataclass(frozen=True, eq=False)
class SeenPass:
    """What was seen of one forward pass of a model that writes.

    Attributes:
        tokens: The token of every position that has a row at this pass, from position 0 on.
        states: The positions, ascending, whose rows it computed, and those whose rows it read;
            the keys are those of `kvviz.player.lives.STATES`.
    """

    tokens: tuple[str, ...]
    states: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class WriterLife:
    """What was seen of the rows of one model while it wrote.

    Attributes:
        name: What the model is called on the page.
        cache: Whether it kept rows.
        n_before: Special tokens that stand before the text.
        passes: Its forward passes, in their order.
    """

    name: str
    cache: Cache
    n_before: int
    passes: tuple[SeenPass, ...]


def kept_life(name: str, trace: GenerationTrace) -> WriterLife:
    """Return what was seen of the rows of a decoder that wrote with its cache."""
    passes = tuple(
        # Positions with a row are those from 0 on: what is fed comes behind what is kept.
        SeenPass(
            tuple(trace.tokens[: int(step.fed[-1]) + 1]),
            {"computed": step.computed, "read": step.reused},
        )
        for step in trace.steps
    )
    return WriterLife(name, "on", 0, passes)


def pack(
    writers: Sequence[WriterLife],
    *,
    step: int | None = None,
    view_number: int = 0,
    shared: str = "",
) -> bytes:
    """Pack the lives of some models; one may have come to the end of its text before another.

    Args:
        writers: What was seen of them.
        step: The step to begin with; None for the last one.
        view_number: Another one than before, and the component goes to this step.
        shared: What it means that a row is shared, where any is.
    """
    n_steps = max(len(one.passes) for one in writers)
    first = max(one.n_before for one in writers)
    numbers: dict[str, int] = {}
    arrays: dict[str, np.ndarray] = {}
    for number, one in enumerate(writers):
        arrays[f"{number}.lives"] = life_spans(seen.states for seen in one.passes)
        arrays[f"{number}.tokens"] = _tokens(one, n_steps, numbers)
    header = {
        **front_end_catalogue(),  # first, where the front end looks for it
        "version": VERSION,
        "n_steps": n_steps,
        "step": n_steps - 1 if step is None else step,
        "view_number": view_number,
        "shared": shared,
        "texts": list(numbers),
        "writers": [
            {
                "name": one.name,
                "cache": one.cache,
                "n_steps": len(one.passes),
                "n_rows": arrays[f"{number}.tokens"].shape[1],
                # So that the first token of the text stands in one line in both pictures.
                "first": first - one.n_before,
            }
            for number, one in enumerate(writers)
        ],
    }
    return packed_buffer.pack(header, arrays.items())


def _tokens(
    writer: WriterLife, n_steps: int, numbers: dict[str, int]
) -> Int32[np.ndarray, "step position"]:
    """Return the number of the text at each position of each step, -1 where there is no row.

    Args:
        writer: Whose texts.
        n_steps: Passes of the model that took more of them.
        numbers: The number of each text, to which new texts are added.
    """
    n_rows = max(len(seen.tokens) for seen in writer.passes)
    found = np.full((n_steps, n_rows), -1, dtype=np.int32)
    for number, seen in enumerate(writer.passes):
        texts = with_characters(list(seen.tokens))
        found[number, : len(texts)] = [numbers.setdefault(text, len(numbers)) for text in texts]
    return found


@st.fragment
@bounded
def written_lives(
    writers: Sequence[WriterLife],
    *,
    key: str,
    step: int | None = None,
    view_number: int = 0,
    on_step: Callable[[int], None] | None = None,
    shared: str = "",
) -> None:
    """Draw the lives of the rows of all side by side.

    Reruns alone when a person comes to rest at another step.

    Args:
        writers: What was seen of them.
        key: Name of this component on the page.
        step: The step to begin with, None for the last one. The component keeps its own as long as
            the writers and `view_number` are the same.
        view_number: Another one, and the component goes to `step`.
        on_step: Told each step that the person comes to rest at.
        shared: What it means that a row is shared, where any is.
    """
    n_steps = max(len(one.passes) for one in writers)

    def moved(message: object) -> None:
        found = told_place(message, "step", n_steps, view_number)
        if found is not None and on_step:
            on_step(found)

    FIGURE.draw(
        lambda: pack(writers, step=step, view_number=view_number, shared=shared),
        tuple(writers),
        view_number,
        shared,
        key=key,
        on_view=moved,
    )
