"""What is looked at: a head of both models, a cell of a pattern, a step of the lives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from kvviz.trace import EncodingTrace
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.pages.bert_vs_gpt2.payload import Pair
from kvviz.ui.parts.cell_link import cell_reader
from kvviz.ui.shell.links import LinkFields, one_of, whole

LOOKS = ("attention", "mask")
SIDES = ("left", "right")


@dataclass(frozen=True)
class TwinCell:
    """A cell of a pattern of one of the two models.

    Attributes:
        query: Position of the token that looks.
        key: Position of the token that is looked at.
        side: Whose pattern: of the GPT-2 at the left, or of the BERT at the right.
    """

    query: int
    key: int
    side: Literal["left", "right"] = "left"

    def __str__(self) -> str:
        return f"{self.query}.{self.key}{'b' if self.side == 'right' else ''}"

    def is_in(self, pair: Pair) -> bool:
        """Whether a pair has it: both tokens are there, and the mask lets one see the other."""
        encoding: EncodingTrace = getattr(pair, self.side)
        n = encoding.n_tokens
        n_keys = min(n, self.query + 1) if encoding.mask == "causal" else n
        return 0 <= self.query < n and 0 <= self.key < n_keys


@dataclass(frozen=True)
class TwinsView:
    """What is looked at, and how.

    Attributes:
        layer: Layer, the same in both models; None for the page's own choice.
        head: Head likewise.
        look: ``attention`` or ``mask``.
        cell: Cell whose making is on show, or None.
        step: Step of the lives of two models that write; None for the last one.
    """

    layer: int | None = None
    head: int | None = None
    look: str = "attention"
    cell: TwinCell | None = None
    step: int | None = None


def _cell(query: int, key: int, of_bert: bool) -> TwinCell:
    return TwinCell(query, key, "right" if of_bert else "left")


VIEW_FIELDS = LinkFields(
    TwinsView(),
    {
        "layer": whole(0, 9_999),
        "head": whole(0, 9_999),
        "look": one_of(LOOKS),
        "cell": cell_reader("b", _cell),
        "step": whole(0, 9_999),
    },
)
"""What of a view stands in a link."""

NOT_THERE = {
    "layer": N_("layer is {chosen}, but these models have layers 0 to {last}."),
    "head": N_("head is {chosen}, but these models have heads 0 to {last}."),
}
"""What is said of a link's number that no model has, by the name of its parameter."""


def within(view: TwinsView, pair: Pair) -> tuple[TwinsView, tuple[str, ...]]:
    """Bring a view inside a pair.

    Returns:
        The view with what the pair does not have left to the page, and a sentence on each.
    """
    said: list[str] = []
    cards = (pair.left.model, pair.right.model)
    for name, sentence in NOT_THERE.items():
        chosen = getattr(view, name)
        count = max(getattr(card, f"n_{name}s") for card in cards)
        if chosen is not None and chosen >= count:
            said.append(_(sentence).format(chosen=chosen, last=count - 1))
            view = replace(view, **{name: None})
    if view.cell is not None and not view.cell.is_in(pair):
        said.append(
            _("cell is {cell}, which is no cell of the pattern of {model} for this text.").format(
                cell=view.cell, model=pair.names[SIDES.index(view.cell.side)]
            )
        )
        view = replace(view, cell=None)
    return view, tuple(said)
