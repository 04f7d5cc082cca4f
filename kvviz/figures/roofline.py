"""Steps of a race under a machine's two ceilings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from kvviz.analysis.roofline import RoofPoint, attainable
from kvviz.figures.theme import COMPUTED, WITH_CACHE, WITHOUT_CACHE, template
from kvviz.trace.ceilings import Ceilings
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _

# not for people: ids of the kinds of a step
_LOOKS = {
    "prefill": (N_("prefill"), COMPUTED, "square"),
    "decode": (N_("decode steps, with the cache"), WITH_CACHE, "circle"),
    "full pass": (N_("steps without the cache"), WITHOUT_CACHE, "square-open"),
}


def roofline(
    points: Sequence[RoofPoint], ceilings: Ceilings | None, *, dark: bool = False
) -> go.Figure:
    """Draw FLOPs a second over FLOPs a byte, both scales in powers of ten.

    Args:
        points: Steps of a race.
        ceilings: What the machine does at best, or None before that is measured.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.
    """
    figure = go.Figure()
    intensities = np.array([one.intensity for one in points])
    left, right = float(intensities.min()) / 3, float(intensities.max()) * 4
    if ceilings is not None:
        left, right = min(left, ceilings.ridge / 4), max(right, ceilings.ridge * 4)
        line = np.unique(np.append(np.geomspace(left, right, 40), ceilings.ridge))
        figure.add_scatter(
            x=line, y=np.array([attainable(ceilings, float(one)) for one in line]) / 1e9,
            mode="lines", name=_("this machine’s roof"), line={"color": "#8a6be0", "width": 3},
            hovertemplate=_("{intensity} FLOP a byte").format(intensity="%{x:.3g}")
            + "<br>"
            + _("at most {speed} GFLOP/s").format(speed="%{y:.3g}")
            + "<extra></extra>",
        )  # fmt: skip
    for kind, (name, colour, symbol) in _LOOKS.items():
        chosen = [one for one in points if one.kind == kind]
        figure.add_scatter(
            x=np.array([one.intensity for one in chosen]),
            y=np.array([one.flops_per_second / 1e9 for one in chosen]),
            mode="markers",
            name=_(name),
            marker={"color": colour, "symbol": symbol, "size": 11, "line": {"width": 2}},
            text=[_rows(one) for one in chosen],
            hovertemplate=f"{_(name)}<br>%{{text}}<br>"
            + _("{intensity} FLOP a byte, {speed} GFLOP/s").format(
                intensity="%{x:.3g}", speed="%{y:.3g}"
            )
            + "<extra></extra>",
        )
    powers = range(-3, 8)
    for axis, title in (
        (figure.update_xaxes, _("FLOP for each byte moved (by formula)")),
        (figure.update_yaxes, _("GFLOP a second (by measured time)")),
    ):
        axis(
            type="log",
            title_text=title,
            tickvals=[10.0**power for power in powers],
            ticktext=[f"{10.0**power:,g}" for power in powers],
        )
    return figure.update_layout(
        template=template(dark=dark), height=420, hovermode="closest", meta={"figure": "roofline"}
    )


def _rows(point: RoofPoint) -> str:
    return ngettext(
        "{n_new:,} of {n:,} row computed in {ms:.2f} ms",
        "{n_new:,} of {n:,} rows computed in {ms:.2f} ms",
        point.n_keys,
    ).format(n_new=point.n_new, n=point.n_keys, ms=point.seconds * 1e3)
