"""The picture of a pair on the page: mounted once, its view written into the address."""

from __future__ import annotations

from dataclasses import replace

from kvviz.analysis import head_measures
from kvviz.ui.twins.payload import Pair
from kvviz.ui.twins.readings import Desk
from kvviz.ui.twins.settings import write
from kvviz.ui.twins.state import PICTURE
from kvviz.ui.twins.view import HeadView, twins


def first_view(pair: Pair, view: HeadView) -> HeadView:
    """Fill in layer and head where a view leaves them open.

    The head of the first model whose tokens look most clearly at something is the easiest to read.
    """
    if view.layer is not None and view.head is not None:
        return view
    entropy = head_measures(pair.left).entropy
    if view.layer is not None:
        return replace(view, head=int(entropy[min(view.layer, len(entropy) - 1)].argmin()))
    if view.head is not None:
        return replace(view, layer=int(entropy[:, min(view.head, entropy.shape[1] - 1)].argmin()))
    layer, head = divmod(int(entropy.argmin()), entropy.shape[1])
    return replace(view, layer=layer, head=head)


def picture(desk: Desk, pair: Pair, *, veiled: bool) -> None:
    """Draw two encodings side by side.

    Args:
        desk: Where the view is kept.
        pair: What is drawn.
        veiled: Whether a question about it is still open.
    """
    state = desk.state
    cards = (pair.left.model, pair.right.model)
    for name in ("layer", "head"):
        chosen = getattr(state.view, name)
        count = max(getattr(card, f"n_{name}s") for card in cards)
        if chosen is not None and chosen >= count:
            state.notes += (f"{name} is {chosen}, but these models have {name}s 0 to {count - 1}.",)
            state.view = replace(state.view, **{name: None})

    def moved(view: HeadView) -> None:
        state.view = view
        state.address.write(write(state.settings, view))

    with desk.stage:
        twins(pair, first_view(pair, state.view), key=PICTURE, veiled=veiled, on_view=moved)
