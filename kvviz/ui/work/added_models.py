"""Published models on the pages: which were added, which can be, and adding one as a job."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import streamlit as st

from kvviz.published import model_home
from kvviz.published.catalogue import CATALOGUE, PREFIX, PublishedModel, megabytes
from kvviz.published.progress import Phase, progress
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.shell.environment import Environment
from kvviz.ui.work import runs
from kvviz.ui.work.admission import Ask
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_store import importing
from kvviz.ui.work.ticket_queue import TicketQueue

_line = TicketQueue(1)
"""One model is added at a time: more would only wait for the same network and the same cores."""


def added_models() -> dict[str, str]:
    """Return the decoders that were added, name to label, without loading torch."""
    return {name: _label(name, folder) for name, folder in model_home.at_hand().items()}


def _label(name: str, folder: Path) -> str:
    published = CATALOGUE.get(name.removeprefix(PREFIX))
    title = published.title if published else folder.name
    n_layers = _n_layers(folder)
    # Without its heads, for which the list has no room.
    return ngettext("{title} · {n} layer", "{title} · {n} layers", n_layers).format(
        title=title, n=n_layers
    )


@cache
def _n_layers(folder: Path) -> int:
    """Read a config once; what has a name in that directory is whole and never changes."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return config["num_hidden_layers"]


def addable_models() -> dict[str, str]:
    """Return the published models that this person can add here, name to label.

    Only who sits at the machine that runs the app can, and only where it may load them: the model
    comes onto that machine's disk.
    """
    environment, there = Environment.read(), model_home.at_hand()
    if not (environment.mode.is_open and runs.is_local_visitor()):
        return {}
    return {
        model.full_name: _("{title}: fetch {size}").format(
            title=model.title, size=megabytes(model.fetched_bytes)
        )
        for model in CATALOGUE.values()
        if model.full_name not in there and environment.allows(model.full_name, typed_here=True)
    }


def add(model: PublishedModel) -> Job:
    """Begin to add a model whose terms, if it has some, the person has accepted."""
    at: tuple[Phase, int, int] = ("fetching", 0, model.fetched_bytes)

    def work(job: Job) -> Path:
        with importing:
            from kvviz.engine.models import adding

        def told(phase: Phase, done: int, of: int) -> None:
            nonlocal at
            at = (phase, done, of)
            job.report(done, of)

        return adding.add(model.name, accept_terms=True, told=told, cancelled=job.cancelled)

    return Job(work, _line, asks=Ask(fetches=True), says=lambda job: progress(*at))


def under_way(name: str) -> Job | None:
    """Return the job of this person's that adds a model, or did."""
    return st.session_state.get(_key(name))


def has_come(name: object) -> bool:
    """Whether a model that this person has begun to add is at hand now; True once."""
    key = _key(f"{name}".removeprefix(PREFIX))
    if key not in st.session_state or name not in model_home.at_hand():
        return False
    del st.session_state[key]
    return True


def begin(name: str) -> None:
    """Begin to add a model for this person."""
    st.session_state[_key(name)] = add(CATALOGUE[name])


def _key(name: str) -> str:
    return f"adding:{name}"
