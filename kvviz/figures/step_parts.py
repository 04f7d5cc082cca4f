"""In which of its parts a step spends its time."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from kvviz.figures.share_bars import add_share, share_axes
from kvviz.figures.theme import template
from kvviz.trace.step_profile import PARTS, StepProfile
from kvviz.translation import gettext as _
from kvviz.translation import pgettext

PART_COLOURS = {
    "embeddings": "#2f8f83",
    "Q/K/V projections": "#c07a1c",
    "attention": "#8a6be0",
    "MLP": "#a9abb2",
    "head": "#3f78b5",
    "sampling": "#bb4f8f",
    "rest": "#6d6f76",
}
_ON_DARK = {"Q/K/V projections", "attention", "head", "sampling", "rest", "embeddings"}


def part_names() -> dict[str, str]:
    """Return what each part of a step is called, in the reader's language."""
    return {
        "embeddings": _("embeddings"),
        "Q/K/V projections": _("Q/K/V projections"),
        "attention": _("attention"),
        "MLP": _("MLP"),
        # Translators: the layer that makes scores of tokens, not a head of attention.
        "head": pgettext("output layer", "head"),
        "sampling": _("sampling"),
        "rest": _("rest"),
    }


def step_parts(profiles: Mapping[str, StepProfile], *, dark: bool = False) -> go.Figure:
    """Draw the shares of a step's time, a bar a step, each as long as the other.

    Args:
        profiles: Name of each step to its profile; the first is drawn on top.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure, with one trace a part. It has no legend: a table beside it says each part's
        colour, `PART_COLOURS`, and its milliseconds.
    """
    names = [
        f"<b>{name}</b><br>" + f"{profile.total * 1e3:,.2f} ms"
        for name, profile in profiles.items()
    ]
    figure = go.Figure()
    called = part_names()
    for part in PARTS:
        times = [profile.parts[part] * 1e3 for profile in profiles.values()]
        shares = [profile.parts[part] / profile.total for profile in profiles.values()]
        add_share(
            figure,
            called[part],
            names,
            shares,
            colour=PART_COLOURS[part],
            on_dark=part in _ON_DARK,
            least=0.07,
            textangle=0,
            customdata=times,
            hovertemplate=_("{part}: {time} ms ({share} %)").format(
                part=called[part], time="%{customdata:,.3f}", share="%{x:.1f}"
            )
            + "<extra></extra>",
        )
    share_axes(figure, _("share of the measured time, %"))
    return figure.update_layout(
        template=template(dark=dark),
        showlegend=False,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        height=52 + 60 * len(names),
        meta={"figure": "step-parts"},
    )
