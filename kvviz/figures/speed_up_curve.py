"""How many times as fast caching makes generation, against the number of tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from kvviz.analysis.speed_up import RULE, SpeedUps
from kvviz.figures.label_places import Box, label_places
from kvviz.figures.log_axes import counted_tokens
from kvviz.figures.theme import WITH_CACHE, WITHOUT_CACHE, template
from kvviz.lessons.published_speedups import PublishedSpeedUp
from kvviz.translation import gettext as _

PUBLISHED = "#8a6be0"
RECORDED = "#6f8f80"
_UPON = 0.03
"""Marks of one length whose figures differ by less lie upon each other."""
_MARK = 10
_HEIGHT = 420
_PLOT = (284.0, 290.0)
"""Width and height in px that a telephone leaves the plot; where labels have room there, they have
it on a larger screen too."""
_TICKS = (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True, eq=False)
class RecordedSpeedUps:
    """Speed-ups that were measured on another machine and ship.

    Attributes:
        ups: Them.
        processor: What it is called there.
        threads: CPU threads that were used.
        torch: Version of torch.
    """

    ups: SpeedUps
    processor: str
    threads: str
    torch: str

    @property
    def machine(self) -> str:
        """The machine, in words."""
        return _("{processor}, CPU threads: {threads}").format(
            processor=self.processor, threads=self.threads
        )


def speed_up_curve(
    ups: SpeedUps | None,
    published: Sequence[PublishedSpeedUp],
    recorded: RecordedSpeedUps | None = None,
    *,
    dark: bool = False,
) -> go.Figure:
    """Draw a measured speed-up over the tokens generated, beside published ones.

    The rule of thumb is a band, and no gain is a line. A published figure has a letter, in the
    order they are given, and says who measured it or with what batch.

    Args:
        ups: What was measured here, or None before a measurement.
        published: What others have measured.
        recorded: What was measured on a named machine, drawn thin; None for nothing.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.
    """
    figure = go.Figure()
    figure.add_hrect(
        y0=RULE[0], y1=RULE[1], line_width=0, fillcolor=WITHOUT_CACHE, opacity=0.16,
        layer="below",
    )  # fmt: skip
    figure.add_hline(y=1, line={"color": WITHOUT_CACHE, "width": 1, "dash": "dot"})
    measured = [one for one in (ups, recorded and recorded.ups) if one is not None]
    longest = max([one.tokens for one in published] + [int(one.n_new[-1]) for one in measured])
    if recorded is not None:
        figure.add_scatter(
            x=recorded.ups.n_new, y=recorded.ups.median, text=counted_tokens(recorded.ups.n_new),
            name=_("recorded: {machine}").format(machine=recorded.machine),
            mode="lines",
            line={"color": RECORDED, "width": 1.5, "dash": "dash"},
            hovertemplate=_("{tokens}, recorded").format(tokens="%{text}")
            + "<br>%{y:.2f}×<extra></extra>",
        )  # fmt: skip
    if ups is not None:
        edge = np.concatenate([ups.high, ups.low[::-1]])
        figure.add_scatter(
            x=np.concatenate([ups.n_new, ups.n_new[::-1]]), y=edge, fill="toself", mode="none",
            fillcolor="rgba(31, 145, 104, 0.22)", hoverinfo="skip", showlegend=False,
        )  # fmt: skip
        figure.add_scatter(
            x=ups.n_new, y=ups.median, text=counted_tokens(ups.n_new), name=_("measured here"),
            mode="lines",
            line={"color": WITH_CACHE, "width": 3},
            customdata=np.stack([ups.low, ups.high], axis=1),
            hovertemplate=_("{tokens}, measured here").format(tokens="%{text}")
            + "<br>"
            + _("{median}× ({low}× to {high}×)").format(
                median="%{y:.2f}", low="%{customdata[0]:.2f}", high="%{customdata[1]:.2f}"
            )
            + "<extra></extra>",
        )  # fmt: skip
    tokens = counted_tokens(np.array([one.tokens for one in published]))
    letters = [_letter(number) for number in range(len(published))]
    heights = [one.speed_up for one in published]
    for one in measured:
        heights += [float(one.low.min()), float(one.high.max())]
    across = (-0.03, math.log10(longest * 1.7))
    up = (math.log10(min(heights) * 0.8), math.log10(max(heights) * 1.25))
    labels = _labels(published)
    places = _places(published, labels, across, up)
    figure.add_scatter(
        x=np.array([one.tokens for one in published]),
        y=np.array([one.speed_up for one in published]),
        name=_("published, see the list"),
        mode="markers+text",
        text=[_beside(label, place) for label, place in zip(labels, places, strict=True)],
        textposition=places,
        textfont={"size": 12},
        cliponaxis=False,
        marker={"symbol": "diamond-open", "size": _MARK, "color": PUBLISHED, "line": {"width": 2}},
        customdata=[
            [one.who, one.batch, counted, letter]
            for one, counted, letter in zip(published, tokens, letters, strict=True)
        ],
        hovertemplate=_("{letter}: {who}, batch {batch}").format(
            letter="%{customdata[3]}", who="%{customdata[0]}", batch="%{customdata[1]}"
        )
        + "<br>%{customdata[2]}: %{y}×<extra></extra>",
    )
    figure.add_annotation(
        xref="paper", x=0.01, xanchor="left", y=np.log10(RULE[1]), yanchor="top", showarrow=False,
        text=_("the rule: 2× to 4×"), font={"size": 12},
    )  # fmt: skip
    figure.add_annotation(
        xref="paper", x=0.99, xanchor="right", y=0, yanchor="top", showarrow=False,
        text=_("no gain"), font={"size": 12},
    )  # fmt: skip
    figure.update_yaxes(
        type="log",
        title_text=_("times as fast with the cache"),
        tickvals=list(_TICKS),
        ticktext=[f"{tick:g}×" for tick in _TICKS],
        range=list(up),
    )
    figure.update_xaxes(
        type="log",
        title_text=_("tokens generated"),
        tickvals=[10**power for power in range(6)],
        ticktext=[f"{10**power:,}" for power in range(6)],
        range=list(across),
    )
    return figure.update_layout(
        template=template(dark=dark),
        height=_HEIGHT,
        hovermode="closest",
        meta={"figure": "speed-up-curve"},
    )


def _labels(published: Sequence[PublishedSpeedUp]) -> list[str]:
    """Return what stands beside each mark: its letter, and who published it or with what batch.

    Marks that lie upon each other share the label of the lowest.
    """
    labels: list[str] = []
    for number, one in enumerate(published):
        together = [
            place
            for place, other in enumerate(published)
            if other.tokens == one.tokens and abs(other.speed_up / one.speed_up - 1) < _UPON
        ]
        lowest = min(together, key=lambda place: published[place].speed_up)
        if number != lowest:
            labels.append("")
            continue
        letters = " ".join(_letter(place) for place in together)
        several = [
            other for other in published if (other.who, other.tokens) == (one.who, one.tokens)
        ]
        batches = ", ".join(f"{published[place].batch}" for place in together)
        named = _("batch {n}").format(n=batches) if len(several) > 1 else one.who
        labels.append(f"{letters} {named}")
    return labels


def _letter(number: int) -> str:
    """Return the letter of a published figure."""
    return chr(ord("A") + number)


def _places(
    published: Sequence[PublishedSpeedUp],
    labels: Sequence[str],
    across: tuple[float, float],
    up: tuple[float, float],
) -> list[str]:
    """Return where each label stands, for ends of both axes in powers of ten."""
    (left, right), (low, high), (wide, tall) = across, up, _PLOT
    marks = [
        (
            (math.log10(one.tokens) - left) / (right - left) * wide,
            (math.log10(one.speed_up) - low) / (high - low) * tall,
        )
        for one in published
    ]
    no_gain = -low / (high - low) * tall
    # The line of no gain, and what is written below it at its right end.
    taken = [Box(0, no_gain - 1, wide, no_gain + 1), Box(wide - 50, no_gain - 20, wide, no_gain)]
    return label_places(labels, marks, size=_MARK, plot=_PLOT, taken=taken)


def _beside(label: str, place: str) -> str:
    """Return a label with a space between it and its mark, where it stands at its side."""
    if not label or "center" in place:
        return label
    return f"{label}\N{NO-BREAK SPACE}" if "left" in place else f"\N{NO-BREAK SPACE}{label}"
