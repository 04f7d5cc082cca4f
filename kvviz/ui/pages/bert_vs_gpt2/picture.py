"""The picture of a pair on the page: mounted once, its view written into the address."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kvviz.analysis import head_measures
from kvviz.trace import EncodingTrace
from kvviz.ui.pages.bert_vs_gpt2.patterns import twins
from kvviz.ui.pages.bert_vs_gpt2.payload import Pair
from kvviz.ui.pages.bert_vs_gpt2.readings import Workbench
from kvviz.ui.pages.bert_vs_gpt2.settings import write
from kvviz.ui.pages.bert_vs_gpt2.state import PICTURE
from kvviz.ui.pages.bert_vs_gpt2.view import TwinsView, within


def first_view(pair: Pair, view: TwinsView) -> TwinsView:
    """Fill in layer and head where a view leaves them open, with those that tell the most.

    What a mask decides is which side is looked at. So it is the head, among those that both models
    have, in which one of them looks ahead far more than the other, and neither looks at one token a
    row nor at all of them alike: the difference of the shares that look ahead, times how near the
    entropy of either is to half of what it could be.
    """
    if view.layer is not None and view.head is not None:
        return view
    left, right = head_measures(pair.left), head_measures(pair.right)
    n_layers, n_heads = np.minimum(left.entropy.shape, right.entropy.shape)
    shared = np.s_[:n_layers, :n_heads]
    apart = np.abs(left.forward[shared] - right.forward[shared])
    halves = (
        half_spread(one.entropy[shared], encoding)
        for one, encoding in ((left, pair.left), (right, pair.right))
    )
    telling = apart * np.multiply(*halves)
    if view.layer is not None:
        return replace(view, head=int(telling[min(view.layer, n_layers - 1)].argmax()))
    if view.head is not None:
        return replace(view, layer=int(telling[:, min(view.head, n_heads - 1)].argmax()))
    layer, head = divmod(int(telling.argmax()), int(n_heads))
    return replace(view, layer=layer, head=head)


def half_spread(entropy: np.ndarray, encoding: EncodingTrace) -> np.ndarray:
    """Return how near entropies are to half of what they could be: 1 at it, 0 at none and at all.

    Args:
        entropy: In bits, mean over the tokens that look.
        encoding: What was read; under a causal mask the first tokens see few.
    """
    n = encoding.n_tokens
    seen = np.arange(1, n + 1) if encoding.mask == "causal" else np.full(n, n)
    most = max(float(np.log2(seen).mean()), 1e-9)
    return np.clip(1 - np.abs(2 * entropy / most - 1), 0, 1)


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
