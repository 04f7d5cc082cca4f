"""The picture of a pair on the page: mounted once, its view written into the address."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kvviz.analysis import head_measures
from kvviz.ui.pages.bert_vs_gpt2.patterns import twins
from kvviz.ui.pages.bert_vs_gpt2.payload import Pair
from kvviz.ui.pages.bert_vs_gpt2.readings import Workbench
from kvviz.ui.pages.bert_vs_gpt2.settings import write
from kvviz.ui.pages.bert_vs_gpt2.state import PICTURE
from kvviz.ui.pages.bert_vs_gpt2.view import TwinsView, within


def first_view(pair: Pair, view: TwinsView) -> TwinsView:
    """Fill in layer and head where a view leaves them open, with those that tell the most.

    What a mask decides is which side is looked at. So it is the head, among those that both models
    have, in which one of them looks ahead far more than the other, and both look at few tokens:
    the difference of the shares that look ahead, divided by the numbers of tokens, 2^entropy, over
    which either spreads its attention.
    """
    if view.layer is not None and view.head is not None:
        return view
    left, right = head_measures(pair.left), head_measures(pair.right)
    n_layers, n_heads = np.minimum(left.entropy.shape, right.entropy.shape)
    shared = np.s_[:n_layers, :n_heads]
    apart = np.abs(left.forward[shared] - right.forward[shared])
    telling = apart * np.exp2(-left.entropy[shared] - right.entropy[shared])
    if view.layer is not None:
        return replace(view, head=int(telling[min(view.layer, n_layers - 1)].argmax()))
    if view.head is not None:
        return replace(view, layer=int(telling[:, min(view.head, n_heads - 1)].argmax()))
    layer, head = divmod(int(telling.argmax()), int(n_heads))
    return replace(view, layer=layer, head=head)


def picture(bench: Workbench, pair: Pair, *, veiled: bool) -> None:
    """Draw two encodings side by side.

    Args:
        bench: Where the view is kept.
        pair: What is drawn.
        veiled: Whether a question about it is still open.
    """
    state = bench.state
    state.view, unusable = within(state.view, pair)
    state.notes += unusable

    def moved(view: TwinsView) -> None:
        state.view = replace(view, step=state.view.step)
        state.address.write(write(state.settings, state.view))

    with bench.stage:
        twins(
            pair,
            first_view(pair, state.view),
            key=PICTURE,
            view_number=state.view_number,
            veiled=veiled,
            on_view=moved,
        )
