"""What KIVI states of keys and values, asked as predictions on held-out stories."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kvviz.lessons import lessons
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import measured_here, recorded
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.measured_here import Found
from kvviz.ui.pages.cache_lab.packing import SOURCE
from kvviz.ui.pages.cache_lab.story_losses import StoryLosses
from kvviz.ui.pages.cache_lab.tried_packings import TRIED, tried_words
from kvviz.ui.parts import card_texts
from kvviz.ui.parts.experiment import Experiment, Verdict, Work
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.parts.quantity import in_bytes
from kvviz.ui.parts.tables import table

ASKED = {
    "both": N_("keys by channel, values by token"),
    "token": N_("both by token"),
    "reversed": N_("keys by token, values by channel"),
}
KEYS, VALUES = "keys", "values"
PUBLISHED = (
    ("TREC", "63.0", "63.0", "55.0"),
    ("SAMSum", "41.12", "41.3", "14.04"),
    ("TriviaQA", "84.28", "84.76", "63.64"),
)
"""Tasks of LongBench, and scores with 16, 4 and 2 bits; the caption says where they stand."""
PARTS = {KEYS: N_("the keys"), VALUES: N_("the values")}


def draw(bench: Bench) -> None:
    """Draw both questions, and the table once they are answered."""
    place = st.container(key="kvviz-lab-statements")
    heading, caption = _("What was stated, tried on stories"), lessons().caption("bit-statements")
    with place:
        card_texts.head(heading, caption.text)
    here = replace(bench, card=place)
    found = measured_here.found(here, lambda: work(bench), recorded.of_statements)
    with place:
        first, second = (one.draw() for one in (axis(bench, found), part(bench, found)))
        st.html(measured_here.said(found.is_recorded, found.result.n_stories, found.result.n_read))
        if first is not None and second is not None:
            all_tried(found)
            published()


def work(bench: Bench) -> Work:
    """Return the work that reads a story here, packed in each way."""
    ways = tried_words()
    said = _("Reading a story, packed in {n} ways").format(n=len(ways))
    return measured_here.story_work(bench, "bit-statements", said, ways)


def axis(bench: Bench, found: Found[StoryLosses]) -> Experiment:
    """Return the question on what keys and values are grouped by."""
    losses = found.result
    costs = {name: losses.divergence(name) for name in (*ASKED, "channel")}
    best = min(ASKED, key=costs.__getitem__)

    def told() -> Verdict:
        return Verdict(
            [{best}],
            {
                **{name: f"{kl:.3f}" for name, kl in costs.items()},
                **{f"{name}_more": f"{losses.cost(name)[0]:+.3f}" for name in costs},
            },
            [],
            SOURCE,
            facts={"best": best, **{f"{name}-kl": f"{kl:.4f}" for name, kl in costs.items()}},
        )

    return measured_here.story_experiment(bench, found, "bits-axis", ASKED, told)


def part(bench: Bench, found: Found[StoryLosses]) -> Experiment:
    """Return the question on which part bears fewer bits."""
    losses = found.result
    kl = {name: losses.divergence(name) for name in ("keys-2", "values-2", "keys-1", "values-1")}
    dearer = KEYS if kl["keys-2"] > kl["values-2"] else VALUES
    at_one = KEYS if kl["keys-1"] > kl["values-1"] else VALUES

    def told() -> Verdict:
        words = {name.replace("-", "_"): f"{one:.3f}" for name, one in kl.items()}
        more = {f"{name.replace('-', '_')}_more": f"{losses.cost(name)[0]:+.3f}" for name in kl}
        return Verdict(
            [{dearer}],
            {**words, **more, "at_one": _(PARTS[at_one])},
            [],
            SOURCE,
            facts={"dearer": dearer, "at-one": at_one,
                   **{f"{name}-kl": f"{one:.4f}" for name, one in kl.items()}},
        )  # fmt: skip

    return measured_here.story_experiment(bench, found, "bits-part", PARTS, told)


def all_tried(found: Found[StoryLosses]) -> None:
    """Draw what each way costs, as a table."""
    losses, caption = found.result, lessons().caption("bit-table")
    header = [
        _("packed"),
        _("loss more, nats"),
        _("KL, nats"),
        _("same token"),
        _("bytes, of {full}").format(full=in_bytes(losses.full_bytes)),
    ]
    lines = [
        [
            one.told,
            # Rounded first, so that nothing has no sign of less.
            f"{round(losses.cost(name)[0], 3) + 0.0:+.3f}",
            f"{losses.divergence(name):.3f}",
            f"{float(losses.same[name].mean()):.0%}",
            in_bytes(losses.n_bytes[name]),
        ]
        for name, one in TRIED.items()
    ]
    st.html(
        f"{figure_tag(*found.tags)}"
        + table("bit-table", header, lines)
        + card_texts.source(caption.text)
    )


def published() -> None:
    """Draw what others have published of another model, in a table of its own."""
    caption = lessons().caption("published-bits")
    heading = _("Published: Llama-2-7B-chat")
    header = [_("task"), *(_("{n} bits").format(n=n) for n in (16, 4, 2))]
    st.html(
        figure_tag("published")
        + card_texts.heading(heading)
        + card_texts.body(caption.text)
        + table("published-bits", header, PUBLISHED)
        + card_texts.source(caption.source)
    )
