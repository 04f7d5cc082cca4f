"""How large models are, over the years, on a scale of powers of ten."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from kvviz.figures.theme import WITH_CACHE, WITHOUT_CACHE, template
from kvviz.lessons.model_table import ModelRow, amount
from kvviz.translation import gettext as _

DENSE = WITH_CACHE
EXPERTS = "#8a6be0"
QUIET = WITHOUT_CACHE

OURS = "kvviz"
"""The maker of the models that ship here."""

# not for people: names of models, and places of plotly
LANDMARKS = {
    "gpt-1": ("GPT-1", "bottom center"),
    "bert-large": ("BERT", "middle left"),
    "gpt2-xl": ("GPT-2 XL", "middle right"),
    "t5-11b": ("T5 11B", "top center"),
    "gpt-3": ("GPT-3", "top center"),
    "palm": ("PaLM", "top center"),
    "kimi-k2": ("Kimi K2", "top left"),
    "smollm2-135m": ("SmolLM2", "bottom center"),
    "gpt2-mini": ("GPT-2 mini", "middle left"),
}
"""Models that are named in the picture, and on which side of their mark: so briefly that on a
telephone no name touches another or a mark. The others are named on hovering."""

CROWDED_FROM = 2021.4
LANDMARKS_AT_EASE = ("smollm2-135m", "gpt2-mini")
"""Late models with room around them."""

_POWERS = range(6, 14)
_HIDDEN_AT, _NAMED_ABOVE_AT = 12.875, 12.66
"""Powers of ten at which, above all marks, hidden sizes and a ringed model's name stand."""
_UNITS = {6: "M", 9: "B", 12: "T"}


def model_ladder(
    rows: Sequence[ModelRow],
    *,
    chosen: str = "",
    dark: bool = False,
) -> go.Figure:
    """Draw how many parameters models have, over the years, on a scale of powers of ten.

    Sizes are those that the makers write. A mixture of experts has two marks: all parameters, and
    those that a token goes through. What ships here is a star. A size that is kept back has a cross
    above the others.

    Args:
        rows: The models.
        chosen: Id of the one to ring, or nothing.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure. Each point's `customdata` begins with the id of its model.
    """
    known = [row for row in rows if amount(row.published) is not None]
    experts = [row for row in known if row.active]
    stars = [row for row in known if row.maker == OURS]
    dense = [row for row in known if not row.active and row not in stars]
    hidden = [row for row in rows if amount(row.published) is None]
    figure = go.Figure()
    spans = [
        value
        for row in experts
        for value in ((row.years, _number(row.active)), (row.years, _number(row.published)), None)
    ]
    figure.add_scatter(
        x=[span and span[0] for span in spans],
        y=[span and span[1] for span in spans],
        mode="lines",
        line={"color": EXPERTS, "width": 1},
        opacity=0.45,
        hoverinfo="skip",
        showlegend=False,
    )
    for name, members, size_of, marker in (
        (_("dense"), dense, "published", {"symbol": "circle", "color": DENSE, "size": 6}),
        (_("mixture of experts, all"), experts, "published",
         {"symbol": "diamond", "color": EXPERTS, "size": 8}),
        (_("of these active"), experts, "active",
         {"symbol": "diamond-open", "color": EXPERTS, "size": 6}),
        (_("ships here"), stars, "published",
         {"symbol": "star", "color": DENSE, "size": 15}),
    ):  # fmt: skip
        if members:
            figure.add_trace(_marks(name, members, size_of, marker, chosen))
    if hidden:
        figure.add_scatter(
            x=[row.years for row in hidden],
            y=[10.0**_HIDDEN_AT] * len(hidden),
            mode="markers",
            marker={"symbol": "x-thin-open", "color": QUIET, "size": 8, "line": {"width": 2}},
            cliponaxis=False,
            name=_("undisclosed"),
            customdata=[[row.id] for row in hidden],
            hovertemplate=[f"{row.name}, {row.maker}<br>{_('undisclosed')}<extra></extra>"
                           for row in hidden],
        )  # fmt: skip
    for row in known:
        if row.id == chosen:
            _ring(figure, row)
    figure.update_yaxes(
        type="log",
        title_text=_("parameters"),
        range=[6.4, _POWERS[-1]],
        tickvals=[10.0**power for power in _POWERS],
        ticktext=[_power(power) for power in _POWERS],
    )
    figure.update_xaxes(
        title_text=_("published in"),
        dtick=1,
        tickformat="d",
        range=[2018, _latest(rows) + 0.4],
    )
    return figure.update_layout(
        template=template(dark=dark),
        height=460,
        hovermode="closest",
        meta={"figure": "model-ladder"},
    )


def _ring(figure: go.Figure, row: ModelRow) -> None:
    """Draw a ring around a model, and its name where there is room for it."""
    size = _number(row.published)
    crowded = row.years > CROWDED_FROM and row.id not in LANDMARKS_AT_EASE
    figure.add_scatter(
        x=[row.years],
        y=[size],
        mode="markers" if crowded else "markers+text",
        marker={"symbol": "circle-open", "size": 20, "color": QUIET, "line": {"width": 2}},
        text=[f"<b>{row.name}</b>"],
        textposition=_side(row),
        cliponaxis=False,
        name=row.name,
        hoverinfo="skip",
        showlegend=False,
        customdata=[[row.id]],
    )
    if crowded:
        # Below the crowd, or above it, whichever is nearer; a line leads to the ring.
        above = size > 10**11
        figure.add_annotation(
            x=row.years,
            y=math.log10(size),
            ax=min(row.years, 2025.2) if above else 2021.6,
            ay=_NAMED_ABOVE_AT if above else 7.3,
            axref="x",
            ayref="y",
            text=f"<b>{row.name}</b>",
            showarrow=True,
            arrowhead=0,
            arrowwidth=1,
            arrowcolor=QUIET,
            standoff=10,
        )


def _marks(
    name: str, rows: list[ModelRow], size_of: str, marker: dict[str, object], chosen: str
) -> go.Scatter:
    """Draw one mark a model; landmarks have their name beside it, unless it has a ring."""
    named = size_of == "published"
    sizes = [_number(getattr(row, size_of)) for row in rows]
    return go.Scatter(
        x=[row.years for row in rows],
        y=sizes,
        mode="markers+text" if named else "markers",
        marker=marker,
        text=[
            LANDMARKS[row.id][0] if named and row.id in LANDMARKS and row.id != chosen else ""
            for row in rows
        ],
        textposition=[_side(row) for row in rows],
        textfont={"size": 11},
        cliponaxis=False,
        name=name,
        customdata=[[row.id, _about(row)] for row in rows],
        hovertemplate="%{customdata[1]}<extra></extra>",
    )


def _side(row: ModelRow) -> str:
    # not for people: a place of plotly
    return LANDMARKS[row.id][1] if row.id in LANDMARKS else "middle right"


def _about(row: ModelRow) -> str:
    size = (
        _("{published} parameters, {active} active") if row.active else _("{published} parameters")
    ).format(published=row.published, active=row.active)
    return f"<b>{row.name}</b>, {row.maker}, {row.month}<br>{size}"


def _number(text: str) -> int:
    found = amount(text)
    assert found is not None
    return found.number


def _latest(rows: Sequence[ModelRow]) -> float:
    return max((row.years for row in rows), default=2026.0)


def _power(power: int) -> str:
    """Write a power of ten with the letter that parameters are counted in, as ``100 B``."""
    base = max(unit for unit in _UNITS if unit <= power)
    return f"{10 ** (power - base):,} {_UNITS[base]}"
