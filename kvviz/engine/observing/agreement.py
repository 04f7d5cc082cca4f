"""What the observers of a step must agree on, and what is said where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from jaxtyping import Bool
from torch import Tensor

from kvviz.engine.observing.observation import Attended, StepObservation
from kvviz.errors import ObservationError
from kvviz.trace import ModelCard
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


def check_layers(
    observation: StepObservation,
    n_layers: int,
    n_projections: int,
    fed: range,
    n_keys: int | Sequence[int] | None = None,
) -> None:
    """Hold projections and attention to the positions that were fed, layer by layer.

    Args:
        observation: What was seen of the step.
        n_layers: Layers that must have reported, each once and in order.
        n_projections: Products that give a layer's keys and values.
        fed: Positions that went through the network.
        n_keys: Rows that each layer's attention must have read, one number for all or one a layer;
            if None those of all positions up to the last that was fed.

    Raises:
        ObservationError: If they disagree.
    """
    if observation.projected != expected_projections(n_layers, n_projections, len(fed)):
        raise disagreement(None, _projected_text(observation.projected), fed)
    if [attended.layer for attended in observation.attended] != list(range(n_layers)):
        n_attended = len(observation.attended)
        seen = ngettext("{n} layer attended.", "{n} layers attended.", n_attended)
        raise disagreement(None, seen.format(n=n_attended), fed)
    n_keys = fed.stop if n_keys is None else n_keys
    of_layers = [n_keys] * n_layers if isinstance(n_keys, int) else n_keys
    for attended, n in zip(observation.attended, of_layers, strict=True):
        rows = (attended.query.shape[-2], attended.key.shape[-2], attended.value.shape[-2])
        if rows != (len(fed), n, n):
            seen = _("Attention saw {queries}, {keys} and {values}.")
            raise disagreement(attended.layer, seen.format(**counted_rows(*rows)), fed)


class CacheLayer(Protocol):
    """A layer of a cache that notes what it writes and knows what was read of it."""

    def take_writes(self) -> list[range]:
        """Return the positions written since the last call."""
        ...

    def is_read_by(self, attended: Attended) -> bool:
        """Return whether an attention read this very memory, not a copy of it."""
        ...


def check_cache_writes(
    observation: StepObservation, layers: Sequence[CacheLayer], fed: range
) -> None:
    """Hold a cache to what was fed, and attention to the cache: each layer wrote and was read.

    Raises:
        ObservationError: If they disagree.
    """
    for number, (layer, attended) in enumerate(zip(layers, observation.attended, strict=True)):
        writes = layer.take_writes()
        if writes != [fed]:
            wrote = _("The cache wrote nothing.")
            if writes:
                wrote = _("The cache wrote positions {ranges}.")
            raise disagreement(number, wrote.format(ranges=position_text(writes)), fed)
        if not layer.is_read_by(attended):
            seen = _("Attention read other rows than the cache's.")
            raise disagreement(number, seen, fed)


def check_windows(observation: StepObservation, card: ModelCard, fed: range) -> None:
    """Hold the attention of layers that have a window to it: no query saw a key outside of it.

    Keys are those of the last positions, as many as the attention was given.

    Raises:
        ObservationError: If a mask let a query see another key, or hid one from it.
    """
    held: set[tuple[int, int, int]] = set()
    for attended in observation.attended:
        window = card.window(attended.layer)
        if window is None:
            continue
        n_keys = attended.key.shape[-2]
        if attended.mask is None and len(fed) == 1 and n_keys <= window:
            continue
        # Layers share their masks, so that most are looked at once.
        if (case := (id(attended.mask), window, n_keys)) in held:
            continue
        held.add(case)
        allowed = window_mask(fed, n_keys, window, attended.query.device)
        seen = torch.ones_like(allowed) if attended.mask is None else attended.mask[0, 0] == 0
        if not torch.equal(seen, allowed):
            raise disagreement(
                attended.layer,
                _("Attention did not keep to the window of {window}.").format(window=window),
                fed,
            )


def window_mask(
    fed: range, n_keys: int, window: int, device: torch.device
) -> Bool[Tensor, "query key"]:
    """Return which of the last keys each query sees through a window.

    Args:
        fed: Positions of the queries; the last key is that of the last of them.
        n_keys: How many keys there are.
        window: How many positions a query sees, its own among them.
        device: Where the mask lies.

    Source: Jiang et al. (2023), “Mistral 7B”, section 2.
    """
    query = torch.arange(fed.start, fed.stop, device=device)[:, None]
    key = torch.arange(fed.stop - n_keys, fed.stop, device=device)[None]
    return (key <= query) & (key > query - window)


def expected_projections(n_layers: int, n_projections: int, n_rows: int) -> list[tuple[int, int]]:
    """Return what the K/V projections of a stack report of a pass over so many rows."""
    return [(layer, n_rows) for layer in range(n_layers) for _product in range(n_projections)]


def disagreement(layer: int | None, seen: str, fed: range) -> ObservationError:
    """Return the error for a step whose observers disagree, in one layer or in all.

    Args:
        layer: Where, or None for all layers.
        seen: What was seen there, a sentence.
        fed: Positions that went through the network.
    """
    if layer is None:
        where = _("The step fed positions {first} to {last}.")
    else:
        where = _("That was in layer {layer}; the step fed positions {first} to {last}.")
    where = where.format(layer=layer, first=fed.start, last=fed.stop - 1)
    return ObservationError(
        _("The observers of a step disagree, so nothing can be said about it."),
        found=f"{seen} {where}",
        fix=_("Report this with the versions of kvviz, torch and transformers."),
    )


def position_text(ranges: list[range]) -> str:
    """Return ranges of positions in words, to stand behind the word for positions."""
    # Translators: the first and the last of positions of a text that follow each other.
    words = _("{first} to {last}")
    return ", ".join(words.format(first=one.start, last=one.stop - 1) for one in ranges)


def counted_rows(n_queries: int, n_keys: int, n_values: int) -> dict[str, str]:
    """Return how many rows an attention saw, as phrases for `queries`, `keys` and `values`."""
    return {
        "queries": ngettext("{n} query", "{n} queries", n_queries).format(n=n_queries),
        "keys": ngettext("{n} key", "{n} keys", n_keys).format(n=n_keys),
        "values": ngettext("{n} value", "{n} values", n_values).format(n=n_values),
    }


def largest_change(now: list[Attended], before: list[Attended]) -> float:
    """Return how far rows moved that were computed again; 0 if there was no step before."""
    pairs = [
        (new, old)
        for one, other in zip(now, before, strict=False)
        for new, old in ((one.key, other.key), (one.value, other.value))
    ]
    return max(
        (float((new.narrow(-2, 0, old.shape[-2]) - old).abs().max()) for new, old in pairs),
        default=0.0,
    )


def _projected_text(projected: list[tuple[int, int]]) -> str:
    """Say which layers reported how many projected rows."""
    if not projected:
        return _("Rows were projected: none.")
    # Translators: how many rows, as part of the list in "Rows were projected: {list}."
    words = _("{n} in layer {layer}")
    seen = ", ".join(words.format(n=n_rows, layer=layer) for layer, n_rows in projected)
    return _("Rows were projected: {list}.").format(list=seen)
