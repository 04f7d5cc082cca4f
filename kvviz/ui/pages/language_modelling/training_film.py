"""The training film: how both twins learnt, scrubbed in the browser."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from kvviz.lessons import lessons
from kvviz.lessons.lesson_files import Gap, LessonError
from kvviz.lessons.training_film import Film, first_common_leader, first_lead, read_film
from kvviz.translation import front_end_catalogue, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.language_modelling.glyphs import glyphs
from kvviz.ui.pages.language_modelling.state import TextState
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.shell.front_end import front_end
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.model_names import WEIGHTS, called

HERE = Path(__file__).parent
TWINS = (("gpt2-mini", "gpt2"), ("bert-mini", "bert"))
KEY = "lm-film"


def _component() -> Callable[..., Any]:
    """Return what mounts it."""
    sheets = (HERE / "token_columns.css", HERE / "training_film.css")
    return front_end("kvviz_training_film", HERE / "training_film.bundle.js", *sheets)


def films() -> dict[str, Film]:
    """Return the films that ship, by the family of their model.

    Raises:
        LessonError: If one is there and cannot be read.
    """
    paths = {family: WEIGHTS / name / "film.jsonl" for name, family in TWINS}
    return {
        family: _film(path, path.stat().st_mtime_ns)
        for family, path in paths.items()
        if path.is_file()
    }


def n_points() -> int:
    """Return how many points the slider has; 0 where there is no film that can be shown."""
    try:
        return len(films().get("gpt2", ()))
    except LessonError:
        return 0


@cache
def _film(path: Path, changed_ns: int) -> Film:
    """Read a film once, and again when its file has changed."""
    return read_film(path)


def payload(found: dict[str, Film], point: int) -> dict[str, Any]:
    """Return what the component draws."""
    config = json.loads((WEIGHTS / TWINS[0][0] / "config.json").read_text(encoding="utf-8"))
    names = {family: called(f"kvviz/{name}") for name, family in TWINS}
    lead = next(iter(found.values()))
    return {
        "point": min(point, len(lead) - 1),
        "most_bits": round(math.log2(config["vocab_size"]), 4),
        "films": [
            {"name": names[family], "family": family, "points": [_point(one) for one in film]}
            for family, film in found.items()
        ],
        "sentences": [
            {
                "before": f"{gap.before} ",
                "word": glyphs(f" {gap.word}"),
                "after": gap.after if gap.after[0] in ",." else f" {gap.after}",
            }
            for gap in gaps(lead)
        ],
    }


def gaps(film: Film) -> tuple[Gap, ...]:
    """Return the sentences that a film asked about.

    Raises:
        LessonError: If they are not those that are told of in the lessons.
    """
    told = lessons().gaps
    asked = [prediction.prompt for prediction in film[0].predictions]
    if [prompt[: len(gap.before)] for prompt, gap in zip(asked, told, strict=False)] != [
        gap.before for gap in told
    ]:
        raise LessonError(
            _("The film asks about other sentences than film.toml tells of."),
            found=", ".join(asked),
            fix=_("Tell of these in film.toml, or train again."),
        )
    return told


def _point(point: Any) -> dict[str, Any]:
    return {
        "n_tokens": point.n_tokens,
        "progress": point.progress,
        "bits": round(point.heldout_bits, 4),
        "said": [
            {
                "guesses": [[glyphs(guess.token), guess.probability] for guess in said.guesses],
                "continuation": said.continuation.replace("\n", "↵").strip(),
            }
            for said in point.predictions
        ],
    }


def learnt_in_order(name: str, steps: list[tuple[str, int]]) -> str:
    """Return what a model learnt, one to three things, each with the tokens seen by then.

    Example:
        >>> learnt_in_order("It", [("that a is", 4096), ("that b is", 8192)])
        'It learnt first that a is, after 4,096 tokens, and then that b is, after 8,192.'
    """
    told = {
        1: _("{model} learnt first {first}, after {tokens}."),
        2: _("{model} learnt first {first}, after {tokens}, and then {second}, after {n2:,}."),
        3: _(
            "{model} learnt first {first}, after {tokens}, then {second}, after {n2:,}, and then "
            "{third}, after {n3:,}."
        ),
    }[len(steps)]
    (first, n_tokens), *others = steps
    values: dict[str, object] = {}
    for number, (label, n_seen) in enumerate(others, start=2):
        values |= {{2: "second", 3: "third"}[number]: label, f"n{number}": n_seen}
    return told.format(
        model=name,
        first=first,
        tokens=ngettext("{n:,} token", "{n:,} tokens", n_tokens).format(n=n_tokens),
        **values,
    )


@st.fragment
@bounded
def draw(state: TextState) -> None:
    """Draw the question and the film."""
    found = films()
    if "gpt2" not in found:
        st.info(_("This copy of kvviz holds no training film."), icon=":material/info:")
        return
    words = lessons()
    caption = words.caption("training-film")
    with st.container(border=True, key="kvviz-card-lm-film"):
        said = plain_html(caption.text)
        st.html(f'<p class="kvviz-body">{said}</p>{figure_tag("recorded")}')
        experiment(found["gpt2"]).draw()

        def moved() -> None:
            point = st.session_state.get(KEY, {}).get("point")
            if type(point) is int and 0 <= point < len(found["gpt2"]):
                state.view = replace(state.view, point=point)
                state.write_link()

        _component()(key=KEY, data=data_of(found, state.film_start), on_point_change=moved)


def data_of(found: dict[str, Film], point: int) -> dict[str, Any]:
    """Return all that the component is given: what it draws, what stands below it, and its words.

    Args:
        found: The films, by the family of their model.
        point: Where to begin.
    """
    words = lessons()
    notes = [
        words.caption("film-losses").text
        if "bert" in found
        else _("There is no film of BERT mini in this copy of kvviz, so its side is left out."),
        words.caption("training-film").source,
    ]
    return payload(found, point) | {"notes": notes} | front_end_catalogue()


def milestones(film: Film) -> dict[str, tuple[str, int | None]]:
    """Return what can be learnt first: a label, and the tokens seen when it first shows."""
    told = lessons().gaps
    common = first_common_leader(film)
    marks: dict[str, tuple[str, int | None]] = {
        "frequent": (
            # Translators: What can be learnt, also said in "… learnt first {first}, after …".
            _("that some words are frequent"),
            common.n_tokens if common else None,
        )
    }
    for name, number in (("phrase", 0), ("scene", 1)):
        point = first_lead(film, number, f" {told[number].word}")
        # Translators: What can be learnt, also said in "… learnt first {first}, after …".
        label = _("that “{beginning}” goes on with “{word}”").format(
            beginning=told[number].before, word=told[number].word
        )
        marks[name] = (label, point.n_tokens if point else None)
    return marks


def experiment(film: Film) -> Experiment:
    """Return the experiment: the person scrubs, and the file knows."""
    marks = milestones(film)
    return Experiment(
        "learnt-first",
        [Choice({name: label for name, (label, _n_tokens) in marks.items()})],
        lambda _found: told(marks),
    )


def told(marks: dict[str, tuple[str, int | None]]) -> Verdict | None:
    """Return what was learnt first, and when; None where the film shows nothing of it."""
    seen = {name: (label, n) for name, (label, n) in marks.items() if n is not None}
    if not seen:
        return None
    order = sorted(seen, key=lambda name: seen[name][1])
    name = called(f"kvviz/{TWINS[0][0]}")
    return Verdict(
        [{order[0]}],
        learnt_in_order(name, [seen[one] for one in order]),
        hook="learnt-first",
    )
