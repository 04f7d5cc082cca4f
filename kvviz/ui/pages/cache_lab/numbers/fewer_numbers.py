"""The experiment: keep keys and values of a layer in one row of fewer numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from kvviz.figures.error_lines import ErrorLine
from kvviz.figures.loss_by_rank import loss_by_rank
from kvviz.lessons import lessons
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import measured_here, recorded, run_player
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.budgets import amount
from kvviz.ui.pages.cache_lab.numbers.latent_run import LatentRun, make
from kvviz.ui.pages.cache_lab.settings import SIXTEENTHS, LabSettings
from kvviz.ui.pages.cache_lab.shares import (
    APART,
    LATENT,
    USUAL_WIDTH,
    every_share,
    rank_of,
    words,
)
from kvviz.ui.pages.cache_lab.state import PREFIX
from kvviz.ui.pages.cache_lab.story_losses import StoryLosses
from kvviz.ui.parts import card_texts, chart
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict, Work
from kvviz.ui.parts.quantity import in_bytes
from kvviz.ui.parts.tables import table
from kvviz.ui.shell.plain_text import percent

NOTHING, LITTLE, MUCH = "nothing", "little", "much"
ANSWERS = {
    NOTHING: N_("less than 0.05 nats a token"),
    LITTLE: N_("0.05 to 0.5"),
    MUCH: N_("more than that"),
}
SHARES = {8: "1/2", 6: "3/8", 4: "1/4", 3: "3/16", 2: "1/8"}
"""How each share is written."""


def draw(bench: Bench) -> None:
    """Draw the experiment."""
    with bench.card:
        controls(bench)
    asked = experiment(bench)
    has_record = recorded.of_numbers() is not None and bench.settings.model == LabSettings.model
    if has_record:
        # There from the start; of one row it tells once that is no longer asked.
        draw_every_share(bench, USUAL_WIDTH, covered=asked.given is None)
    found: LatentRun | None = bench.done(asked)
    if found is None:
        return
    with bench.stage:
        run_player.draw(
            bench,
            found.shown,
            _(
                "Here the run is shown that keeps one row of fewer numbers. “{page}” shows one "
                "with every number, and without any row."
            ),
        )
    if not has_record:
        draw_every_share(bench, found.width)


def controls(bench: Bench) -> None:
    """Draw how many numbers are kept, and how much of a story is read."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="kvviz-lab-controls"):
        share = st.selectbox(
            _("Numbers kept of a position, keys and values together"),
            SIXTEENTHS,
            key=f"{PREFIX}sixteenths",
            format_func=lambda one: SHARES[one],
            persist_state="session",
            width=390,
        )
        bench.state.change(sixteenths=share)
        measured_here.choose_length(bench)


def experiment(bench: Bench) -> Experiment:
    """Return the experiment with one text and one share."""
    wanted = bench.settings
    share = wanted.sixteenths
    return Experiment(
        "fewer-numbers",
        [Choice({name: _(label) for name, label in ANSWERS.items()})],
        lambda found: told(found, share),
        words={"share": SHARES[share]},
        about=(wanted.model, wanted.text, share, wanted.tokens),
        work=task(bench),
    )


def task(bench: Bench) -> Work:
    """Return the work that reads text and story with fewer numbers."""
    wanted = bench.settings
    about = wanted.text, wanted.sixteenths, wanted.tokens
    return bench.run_task("numbers", about, _("Reading with fewer numbers, token by token"), make)


def told(found: LatentRun, share: int) -> Verdict:
    """Say what fewer numbers cost, with keys and values apart beside them."""
    latent, apart = words(found.width, share)
    story = found.story
    own, control = story.caches[latent], story.caches[apart]
    more = own.loss - story.full_loss
    answer = NOTHING if more < 0.05 else LITTLE if more <= 0.5 else MUCH
    layer, head = (int(at) for at in np.unravel_index(found.off.argmax(), found.off.shape))
    return Verdict(
        [{answer}],
        {
            "rank": found.rank(share),
            "width": found.width,
            "more": _more(story.more(latent)),
            "apart": _more(story.more(apart)),
            "kl": f"{own.kl:.3f}",
            "apart_kl": f"{control.kl:.3f}",
            "bytes": in_bytes(own.n_bytes),
            "full_bytes": in_bytes(story.full_bytes),
            "off": percent(float(found.off.mean())),
            "layer": layer,
            "head": head,
            "most": percent(float(found.off.max())),
        },
        [
            _(
                "{rank} numbers of {width} a position and layer: {bytes} for the {n} rows of the "
                "story, {full_bytes} with every number. The {directions} directions are the "
                "model's, whatever it reads, and are not counted."
            ).format(
                rank=found.rank(share),
                width=found.width,
                bytes=in_bytes(own.n_bytes),
                n=found.n_read - 1,
                full_bytes=in_bytes(story.full_bytes),
                directions=found.rank(share),
            ),
            _(
                "Published, of DeepSeek-V2 with 236 billion parameters, trained with latent rows "
                "from the start: {less} less cache than DeepSeek 67B, whose heads are grouped. "
                "Here the rows of a model that was trained without are put into fewer numbers "
                "afterwards."
            ).format(less="93.3 %"),
        ],
        facts={
            "rank": found.rank(share),
            "width": found.width,
            "more": f"{more:.4f}",
            "kl": f"{own.kl:.4f}",
            "apart-more": f"{control.loss - story.full_loss:.4f}",
            "cache-bytes": own.n_bytes,
            "full-bytes": story.full_bytes,
            "off": f"{found.off.mean():.4f}",
            "most-off": f"{found.off.max():.4f}",
        },
    )


def _more(each: np.ndarray) -> str:
    """Return a mean with its standard error."""
    error = each.std(ddof=1) / np.sqrt(each.size)
    return f"{each.mean():+.3f} ± {error:.3f}"


def draw_every_share(bench: Bench, width: int, *, covered: bool = False) -> None:
    """Draw what each share costs on stories, recorded or measured here.

    Args:
        bench: The page's bench.
        width: Numbers of the keys and values of a position in a layer.
        covered: Whether what one row costs is still asked, so that only its control is shown.
    """
    with bench.below:
        place = st.container(border=True, key="kvviz-card-lab-numbers")
    caption = lessons().caption("loss-by-rank-asked" if covered else "loss-by-rank")
    heading = _("Rank against loss")
    with place:
        card_texts.head(heading, caption.text)

    def work() -> Work:
        said = _("Reading a story with every share")
        return measured_here.story_work(bench, "numbers-all", said, every_share(width))

    here = replace(bench, card=place)
    has_record = recorded.of_numbers() is not None and bench.settings.model == LabSettings.model
    if not has_record and not measured_here.is_asked(here, work(), "every-share"):
        return
    found = measured_here.found(here, work, recorded.of_numbers, lengths=False)
    losses = found.result
    ranks = [rank_of(width, share) for share in SIXTEENTHS]
    lines = [
        cost_line(losses, kind, name, told_as)
        for kind, name, told_as in (
            ("latent", LATENT, _("keys and values in one row")),
            ("apart", APART, _("control: as many numbers, keys and values apart")),
        )
        if not (covered and name == LATENT)
    ]
    spoken = _("What keeping {ranks} of {width} numbers costs; the table says the same.").format(
        ranks=", ".join(map(str, ranks)), width=width
    )
    with place:
        chart.draw(loss_by_rank(ranks, lines), spoken, tags=found.tags)
        st.html(
            by_rank(losses, width, lines)
            + measured_here.said(found.is_recorded, losses.n_stories, losses.n_read)
            + card_texts.source(caption.source)
        )


def cost_line(losses: StoryLosses, kind: str, name: str, told_as: str) -> ErrorLine:
    """Return what each share costs in one way.

    Args:
        losses: Of the stories.
        kind: The line's style.
        name: What its shares are called, `LATENT` or `APART`.
        told_as: What it is called on the page.
    """
    costs = [losses.cost(name.format(share=share)) for share in SIXTEENTHS]
    means, errors = (np.array(each) for each in zip(*costs, strict=True))
    return ErrorLine(kind, told_as, means, errors)


def by_rank(losses: StoryLosses, width: int, lines: Sequence[ErrorLine]) -> str:
    """Return what each share costs in each way that is shown, as a table."""
    columns = {
        "latent": (LATENT, _("one row: loss, nats more")),
        "apart": (APART, _("apart: loss, nats more")),
    }
    shown = [columns[line.kind] for line in lines]
    header = [
        _("numbers kept"),
        *(title for _name, cost in shown for title in (cost, _("KL, nats"))),
        _("bytes"),
    ]
    whole = [f"{width} / {width}", *["0"] * (2 * len(shown)), in_bytes(losses.full_bytes)]
    body = [whole]
    for number, share in enumerate(SIXTEENTHS):
        cells = [f"{rank_of(width, share)} / {width}"]
        for line, (name, _cost) in zip(lines, shown, strict=True):
            cost = amount(line.values[number], line.errors[number])
            cells += [cost, f"{losses.divergence(name.format(share=share)):.3f}"]
        # As many numbers are as many bytes, in one row or apart.
        body.append([*cells, in_bytes(losses.n_bytes[APART.format(share=share)])])
    return table("rank-table", header, body)
