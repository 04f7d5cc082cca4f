"""Which key and value rows of one encoding differ from another's, bit for bit, and by how much.

Rows are compared position by position, since that is how a cache keeps them. Where nothing differs
a cached row could have been used in place of a computed one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from kvviz.errors import TraceError
from kvviz.trace import EncodingTrace
from kvviz.translation import gettext as _


@dataclass(frozen=True, eq=False)
class RowChanges:
    """What became of the rows of a text when the text was changed.

    Attributes:
        changed: Whether any bit of a row's key or value differs, in any head.
        largest: Largest absolute difference of any of its numbers; 0 where nothing changed.
        other_token: Positions where another token stands than before, such as a moved [SEP].
        n_new: Positions of the new text that the old one does not have.
    """

    changed: Bool[np.ndarray, "layer position"]
    largest: Float64[np.ndarray, "layer position"]
    other_token: Bool[np.ndarray, " position"]
    n_new: int

    @property
    def n_rows(self) -> int:
        """Rows compared, over all layers."""
        return self.changed.size

    @property
    def n_changed(self) -> int:
        """Rows that changed, over all layers."""
        return int(self.changed.sum())

    @property
    def by_layer(self) -> Int64[np.ndarray, " layer"]:
        """Rows that changed, in each layer."""
        return self.changed.sum(axis=1).astype(np.int64)

    @property
    def n_reusable(self) -> int:
        """Positions at the beginning whose rows are the same in every layer.

        A prefix cache could keep these and no others.
        """
        touched = np.flatnonzero(self.changed.any(axis=0))
        return int(touched[0]) if touched.size else self.changed.shape[1]


def row_changes(before: EncodingTrace, after: EncodingTrace) -> RowChanges:
    """Compare the key and value rows of two encodings by one model, position by position.

    Nothing changes between an encoding and itself. Under a causal mask nothing changes before the
    first position with another token; under a two-sided one only the first layer, which sees
    nothing but the tokens, keeps rows.

    Args:
        before: The text as it was.
        after: The text as it is, with as many tokens, more or fewer.

    Returns:
        The comparison over the positions that both have.

    Raises:
        TraceError: If the two are not by the same model with the same mask, or ran in float64.

    Example:
        ``row_changes(encoding, encoding).n_changed`` is 0.

    Source: prefix reuse, Zheng et al. (2023), arXiv 2312.07104, section 3.
    """
    if before.model != after.model or before.mask != after.mask:
        raise TraceError(
            _("Only two encodings by the same model with the same mask can be compared."),
            found=_("They are by {model} ({mask}) and {other} ({other_mask}).").format(
                model=before.model.name,
                mask=before.mask,
                other=after.model.name,
                other_mask=after.mask,
            ),
        )
    if before.model.dtype == "float64":
        raise TraceError(
            _(
                "A trace keeps rows in float32, so it cannot tell which rows of float64 have "
                "changed."
            ),
            found=_("{model} ran in float64.").format(model=before.model.name),
            fix=_("Read both texts with dtype float32."),
        )
    n_before, n_after = before.token_ids.size, after.token_ids.size
    n = min(n_before, n_after)
    shape = (before.model.n_layers, n)
    changed, largest = np.zeros(shape, dtype=bool), np.zeros(shape)
    for layer in range(before.model.n_layers):
        for one, other in (
            (before.keys(layer), after.keys(layer)),
            (before.values(layer), after.values(layer)),
        ):
            first, second = (np.ascontiguousarray(rows[:, :n]) for rows in (one, other))
            changed[layer] |= (first.view(np.uint32) != second.view(np.uint32)).any(axis=(0, 2))
            apart = np.abs(first.astype(np.float64) - second.astype(np.float64))
            largest[layer] = np.maximum(largest[layer], apart.max(axis=(0, 2)))
    return RowChanges(
        changed=changed,
        largest=largest,
        other_token=before.token_ids[:n] != after.token_ids[:n],
        n_new=max(n_after - n_before, 0),
    )
