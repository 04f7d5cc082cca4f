"""What is looked at in a run: a step, a head, and a way of keeping rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kvviz.player.cell import Cell
from kvviz.trace import GenerationTrace
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.parts.cell_link import cell_reader
from kvviz.ui.shell.links import LinkFields, one_of, whole

CACHES = ("on", "off", "both")
LAYER_OR_HEAD = whole(0, 9_999)


@dataclass(frozen=True)
class View:
    """What is looked at.

    Attributes:
        step: Step of the run, 0 is the prefill.
        layer: Layer, or None for the page's own choice.
        head: Head, or None likewise.
        cache: ``on``, ``off`` or ``both`` side by side.
        cell: Cell of the pattern whose making is on show, or None.
    """

    step: int = 0
    layer: int | None = None
    head: int | None = None
    cache: str = "on"
    cell: Cell | None = None


VIEW_FIELDS = LinkFields(
    View(),
    {
        "step": whole(0, 99_999),
        "layer": LAYER_OR_HEAD,
        "head": LAYER_OR_HEAD,
        "cache": one_of(CACHES),
        "cell": cell_reader("x", Cell),
    },
)
"""What of a view stands in a link."""

OUTSIDE = {
    "step": N_("step is {chosen}, but this run has steps 0 to {last}"),
    "layer": N_("layer is {chosen}, but this run has layers 0 to {last}"),
    "head": N_("head is {chosen}, but this run has heads 0 to {last}"),
}


def within(view: View, run: GenerationTrace, n_steps: int) -> tuple[View, tuple[str, ...]]:
    """Bring a view inside a run.

    Args:
        view: The view.
        run: The run.
        n_steps: Steps of it that are shown.

    Returns:
        The view with what the run does not have set to its default, and a phrase on each.
    """
    unusable: list[str] = []
    counts = {"step": n_steps, "layer": run.model.n_layers, "head": run.model.n_heads}
    for name, count in counts.items():
        chosen = getattr(view, name)
        if chosen is not None and chosen >= count:
            unusable.append(_(OUTSIDE[name]).format(chosen=chosen, last=count - 1))
            view = replace(view, **{name: getattr(View(), name)})
    if view.cell is not None and not view.cell.is_in(run, view.step):
        unusable.append(
            _("cell is {cell}, which is no cell of step {step}").format(
                cell=view.cell, step=view.step
            )
        )
        view = replace(view, cell=None)
    return view, tuple(unusable)
