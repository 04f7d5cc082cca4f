"""How many times as fast caching makes generation, against the number of tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from kvviz.analysis.speed_up import RULE, SpeedUps
from kvviz.figures.log_axes import counted_tokens
from kvviz.figures.theme import WITH_CACHE, WITHOUT_CACHE, template
from kvviz.lessons.published_speedups import PublishedSpeedUp
from kvviz.translation import gettext as _

PUBLISHED = "#8a6be0"
_TICKS = (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)


def speed_up_curve(
    ups: SpeedUps | None, published: Sequence[PublishedSpeedUp], *, dark: bool = False
) -> go.Figure:
    """Draw a measured speed-up over the tokens generated, beside published ones.

    The rule of thumb is a band, and no gain is a line. A published figure has a letter, in the
    order they are given.

    Args:
        ups: What was measured here, or None before a measurement.
        published: What others have measured.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.
    """
    figure = go.Figure()
    figure.add_hrect(
        y0=RULE[0], y1=RULE[1], line_width=0, fillcolor=WITHOUT_CACHE, opacity=0.16,
        layer="below",
    )  # fmt: skip
    figure.add_hline(y=1, line={"color": WITHOUT_CACHE, "width": 1, "dash": "dot"})
    longest = max([one.tokens for one in published] + ([int(ups.n_new[-1])] if ups else []))
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
    letters = [chr(ord("A") + number) for number in range(len(published))]
    figure.add_scatter(
        x=np.array([one.tokens for one in published]),
        y=np.array([one.speed_up for one in published]),
        name=_("published, see the list"),
        mode="markers+text",
        text=letters,
        textposition=_sides(published, longest),
        textfont={"size": 12},
        cliponaxis=False,
        marker={"symbol": "diamond-open", "size": 10, "color": PUBLISHED, "line": {"width": 2}},
        customdata=[
            [one.who, one.batch, counted] for one, counted in zip(published, tokens, strict=True)
        ],
        hovertemplate=_("{letter}: {who}, batch {batch}").format(
            letter="%{text}", who="%{customdata[0]}", batch="%{customdata[1]}"
        )
        + "<br>%{customdata[2]}: %{y}×<extra></extra>",
    )
    figure.add_annotation(
        xref="paper", x=0.01, xanchor="left", y=np.log10(RULE[1]), yanchor="top", showarrow=False,
        text=_("the rule: 2× to 4×"), font={"size": 12},
    )  # fmt: skip
    figure.add_annotation(
        xref="paper", x=0.01, xanchor="left", y=0, yanchor="top", showarrow=False,
        text=_("no gain"), font={"size": 12},
    )  # fmt: skip
    heights = [one.speed_up for one in published] + (
        [float(ups.low.min()), float(ups.high.max())] if ups else []
    )
    figure.update_yaxes(
        type="log",
        title_text=_("times as fast with the cache"),
        tickvals=list(_TICKS),
        ticktext=[f"{tick:g}×" for tick in _TICKS],
        range=[np.log10(min(heights) * 0.8), np.log10(max(heights) * 1.25)],
    )
    figure.update_xaxes(
        type="log",
        title_text=_("tokens generated"),
        tickvals=[10**power for power in range(6)],
        ticktext=[f"{10**power:,}" for power in range(6)],
        range=[-0.03, np.log10(longest * 1.7)],
    )
    return figure.update_layout(
        template=template(dark=dark),
        height=420,
        hovermode="closest",
        meta={"figure": "speed-up-curve"},
    )


def _sides(published: Sequence[PublishedSpeedUp], longest: int) -> list[str]:
    """Return on which side of its mark each letter stands, so that none covers another.

    Marks above one another take turns. Otherwise a letter stands to the left, and that of the
    rightmost to the right, which leaves the left to its neighbours.
    """
    sides: list[str] = []
    for one in published:
        column = sorted(
            (other for other in published if other.tokens == one.tokens),
            key=lambda other: other.speed_up,
        )
        right = bool(column.index(one) % 2) if len(column) > 1 else one.tokens > 0.99 * longest
        sides.append(f"middle {'right' if right else 'left'}")
    return sides
