"""FLOPs, bytes, and the roof: steps of the race under the machine's ceilings."""

from __future__ import annotations

import streamlit as st

from kvviz.analysis.bytes_moved import step_bytes
from kvviz.analysis.roofline import RoofPoint, attainable, roof_points
from kvviz.figures.roofline import roofline
from kvviz.lessons import lessons
from kvviz.trace.ceilings import Ceilings
from kvviz.trace.race import Race
from kvviz.ui.pages.speed_and_memory import measurement
from kvviz.ui.pages.speed_and_memory.pieces import head, source, table
from kvviz.ui.pages.speed_and_memory.state import Finished, SpeedState
from kvviz.ui.parts import chart
from kvviz.ui.parts.cards import opening
from kvviz.ui.parts.quantity import in_bytes, seconds
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import runs
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_store import model_store


def draw(state: SpeedState, environment: Environment) -> None:
    """Draw the steps of the race, and the roof above them once it is measured."""
    finished = state.finished
    if finished is None:
        return
    caption = lessons().caption("roofline")
    points = roof_points(finished.race)
    with st.container(border=True, key="kvviz-card-roof"):
        head("How much is computed for each byte that is moved", caption.text)
        measurement.draw(
            state.roof,
            "Measure this machine’s roof",
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
        chart.draw(roofline(points, ceilings), _alt(points, ceilings))
        with st.expander("These steps as a table", key="kvviz-roof-table"):
            table(
                "roof-points",
                ["step", "FLOPs", "bytes moved", "FLOP a byte", "took", "GFLOP a second"],
                [
                    [
                        f"{one.kind}, {one.n_new:,} of {one.n_keys:,} rows",
                        f"{one.flops / 1e6:,.1f} M",
                        in_bytes(one.n_bytes),
                        f"{one.intensity:,.2f}",
                        seconds(one.seconds),
                        f"{one.flops_per_second / 1e9:,.2f}",
                    ]
                    for one in points
                ],
            )
        opening("roof", _lines(finished.race, ceilings), caption.source)
        source("FLOPs and bytes by formula, times measured in the race above.")


def ceilings_under(finished: Finished, job: Job) -> Ceilings:
    """Measure the machine's ceilings as the race's model meets them."""
    model = model_store().get(finished.settings.of_model)

    from kvviz.engine.timing.ceilings import measure_ceilings

    return measure_ceilings(model, progress=job.report, cancel=job.cancelled)


def verdict(points: tuple[RoofPoint, ...], ceilings: Ceilings) -> str:
    """Say on which side of the ridge prefill and decode lie, and how near to the roof."""
    said: list[str] = []
    for kind, name in (("prefill", "the prefill"), ("decode", "a decode step")):
        chosen = [one for one in points if one.kind == kind]
        if not chosen:
            continue
        one = chosen[-1]
        limit = "moving bytes" if one.intensity < ceilings.ridge else "computing"
        reached = one.flops_per_second / attainable(ceilings, one.intensity)
        said.append(
            f"{name} does {one.intensity:,.2g} FLOP a byte, where {limit} is the limit, and "
            f"reaches {reached:.0%} of the roof"
        )
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _alt(points: tuple[RoofPoint, ...], ceilings: Ceilings | None) -> str:
    roof = "The machine’s roof is not measured yet."
    if ceilings is not None:
        roof = verdict(points, ceilings)
    return f"FLOPs a second over FLOPs a byte, {len(points)} steps. {roof} The table has them all."


def _lines(race: Race, ceilings: Ceilings | None) -> list[str]:
    n_keys = race.n_prompt + race.n_new - 1
    moved = step_bytes(race.model, 1, n_keys, batch=race.batch)
    lines = [
        f"The last decode step moves at the least {moved.weights:,} B of weights, reads "
        f"{moved.cache_read:,} B of cache and writes {moved.cache_written:,} B: {moved.total:,} B.",
        "Every weight that is used is read once, of the embedding tables only the rows looked up; "
        "what lives between two operations is left out, so the real traffic is more.",
    ]
    if ceilings is None:
        return lines
    return [
        *lines,
        f"Copied {in_bytes(ceilings.copied_bytes)} {ceilings.n_trials} times; the fastest moved "
        f"{ceilings.bytes_per_second / 1e9:,.1f} GB a second, read and write counted.",
        f"Multiplied two {ceilings.dtype} matrices of {ceilings.side:,} × {ceilings.side:,} "
        f"{ceilings.n_trials} times; the fastest did {ceilings.flops_per_second / 1e9:,.1f} GFLOP "
        f"a second, with {ceilings.threads} CPU threads on {ceilings.device}.",
        f"The roof bends at {ceilings.ridge:,.1f} FLOP a byte.",
        "A mark above the slanted part reads its weights faster than main memory gives them: a "
        "small model stays in the processor’s own caches, at least in part.",
    ]
