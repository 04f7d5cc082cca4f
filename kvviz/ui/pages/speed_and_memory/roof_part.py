"""FLOPs, bytes, and the roof: steps of the race under the machine's ceilings."""

from __future__ import annotations

import streamlit as st

from kvviz.analysis.bytes_moved import step_bytes
from kvviz.analysis.roofline import RoofPoint, attainable, roof_points
from kvviz.figures.roofline import roofline
from kvviz.lessons import lessons
from kvviz.trace.ceilings import Ceilings
from kvviz.trace.race import Race
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.speed_and_memory import measurement
from kvviz.ui.pages.speed_and_memory.state import Finished, SpeedState
from kvviz.ui.parts import card_texts, chart
from kvviz.ui.parts.cards import opening
from kvviz.ui.parts.quantity import in_bytes, seconds
from kvviz.ui.parts.tables import table
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import runs
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_store import model_store

# not for people: the keys are those of `RoofPoint.kind`
_KINDS = {"prefill": N_("prefill"), "decode": N_("decode"), "full pass": N_("full pass")}
_VERDICTS = {
    ("prefill", "bytes"): N_(
        "The prefill does {intensity:,.2g} FLOP a byte, where moving bytes is the limit, and "
        "reaches {reached:.0%} of the roof."
    ),
    ("prefill", "FLOPs"): N_(
        "The prefill does {intensity:,.2g} FLOP a byte, where computing is the limit, and reaches "
        "{reached:.0%} of the roof."
    ),
    ("decode", "bytes"): N_(
        "A decode step does {intensity:,.2g} FLOP a byte, where moving bytes is the limit, and "
        "reaches {reached:.0%} of the roof."
    ),
    ("decode", "FLOPs"): N_(
        "A decode step does {intensity:,.2g} FLOP a byte, where computing is the limit, and "
        "reaches {reached:.0%} of the roof."
    ),
}


def draw(state: SpeedState, environment: Environment) -> None:
    """Draw the steps of the race, and the roof above them once it is measured."""
    finished = state.finished
    if finished is None:
        return
    caption = lessons().caption("roofline")
    points = roof_points(finished.race)
    with st.container(border=True, key="kvviz-card-roof"):
        card_texts.head(_("How much is computed for each byte that is moved"), caption.text)
        measurement.draw(
            state.roof,
            _("Measure this machine’s roof"),
            start=lambda: state.roof.start(
                lambda job: ceilings_under(finished, job), runs.queue(environment.concurrency)
            ),
            busy=state.timing,
        )
        ceilings = state.roof.result
        if ceilings is not None:
            st.html(
                f'<p class="kvviz-told" data-kvviz="roof">'
                f"{plain_html(verdict(points, ceilings))}</p>"
            )
        chart.draw(roofline(points, ceilings), _alt(points, ceilings), tags=["measured", "formula"])
        with st.expander(_("These steps as a table"), key="kvviz-roof-table"):
            st.html(
                table(
                    "roof-points",
                    [
                        _("step"),
                        _("FLOPs"),
                        _("bytes moved"),
                        _("FLOP a byte"),
                        # Translators: a table's heading: how long a step took.
                        _("took"),
                        _("GFLOP a second"),
                    ],
                    [
                        [
                            _step(one),
                            f"{one.flops / 1e6:,.1f} M",
                            in_bytes(one.n_bytes),
                            f"{one.intensity:,.2f}",
                            seconds(one.seconds),
                            f"{one.flops_per_second / 1e9:,.2f}",
                        ]
                        for one in points
                    ],
                )
            )
        opening("roof", _lines(finished.race, ceilings), caption.source)
        st.html(
            card_texts.source(_("FLOPs and bytes by formula, times measured in the race above."))
        )


def ceilings_under(finished: Finished, job: Job) -> Ceilings:
    """Measure the machine's ceilings as the race's model meets them."""
    model = model_store().get(finished.settings.of_model)

    from kvviz.engine.timing.ceilings import measure_ceilings

    return measure_ceilings(model, progress=job.report, cancel=job.cancelled)


def verdict(points: tuple[RoofPoint, ...], ceilings: Ceilings) -> str:
    """Say on which side of the ridge prefill and decode lie, and how near to the roof."""
    said: list[str] = []
    for kind in ("prefill", "decode"):
        chosen = [one for one in points if one.kind == kind]
        if not chosen:
            continue
        one = chosen[-1]
        limit = "bytes" if one.intensity < ceilings.ridge else "FLOPs"
        reached = one.flops_per_second / attainable(ceilings, one.intensity)
        said.append(_(_VERDICTS[kind, limit]).format(intensity=one.intensity, reached=reached))
    return " ".join(said)


def _step(one: RoofPoint) -> str:
    # Translators: {kind} is prefill, decode or full pass.
    return ngettext(
        "{kind}, {new:,} of {n:,} row", "{kind}, {new:,} of {n:,} rows", one.n_keys
    ).format(kind=_(_KINDS[one.kind]), new=one.n_new, n=one.n_keys)


def _alt(points: tuple[RoofPoint, ...], ceilings: Ceilings | None) -> str:
    roof = _("The machine’s roof is not measured yet.")
    if ceilings is not None:
        roof = verdict(points, ceilings)
    axes = ngettext(
        "FLOPs a second over FLOPs a byte, {n} step.",
        "FLOPs a second over FLOPs a byte, {n} steps.",
        len(points),
    ).format(n=len(points))
    return f"{axes} {roof} " + _("The table has them all.")


def _lines(race: Race, ceilings: Ceilings | None) -> list[str]:
    n_keys = race.n_prompt + race.n_new - 1
    n_keys = min(n_keys, race.rows or n_keys)
    moved = step_bytes(race.model, 1, n_keys, batch=race.batch)
    lines = [
        _(
            "The last decode step moves at the least {weights:,} B of weights, reads {read:,} B of "
            "cache and writes {written:,} B: {total:,} B."
        ).format(
            weights=moved.weights,
            read=moved.cache_read,
            written=moved.cache_written,
            total=moved.total,
        ),
        _(
            "Every weight that is used is read once, of the embedding tables only the rows looked "
            "up; what lives between two operations is left out, so the real traffic is more."
        ),
    ]
    if ceilings is None:
        return lines
    n, threads = ceilings.n_trials, ceilings.threads
    return [
        *lines,
        ngettext(
            "Copied {size} {n} time; the fastest moved {rate:,.1f} GB a second, read and write "
            "counted.",
            "Copied {size} {n} times; the fastest moved {rate:,.1f} GB a second, read and write "
            "counted.",
            n,
        ).format(size=in_bytes(ceilings.copied_bytes), n=n, rate=ceilings.bytes_per_second / 1e9),
        # Translators: {threads} is "4 CPU threads".
        ngettext(
            "Multiplied two {dtype} matrices of {side:,} × {side:,} {n} time; the fastest did "
            "{rate:,.1f} GFLOP a second, with {threads} on {device}.",
            "Multiplied two {dtype} matrices of {side:,} × {side:,} {n} times; the fastest did "
            "{rate:,.1f} GFLOP a second, with {threads} on {device}.",
            n,
        ).format(
            dtype=ceilings.dtype,
            side=ceilings.side,
            n=n,
            rate=ceilings.flops_per_second / 1e9,
            threads=ngettext("{n} CPU thread", "{n} CPU threads", threads).format(n=threads),
            device=ceilings.device,
        ),
        _("The roof bends at {ridge:,.1f} FLOP a byte.").format(ridge=ceilings.ridge),
        _(
            "A mark above the slanted part reads its weights faster than main memory gives them: a "
            "small model stays in the processor’s own caches, at least in part."
        ),
    ]
