"""The most likely next tokens, read off the logits of several steps at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int64
from torch import Tensor

from kvviz.engine.models.devices import dtype_name
from kvviz.errors import ModelFilesError
from kvviz.translation import gettext as _


@dataclass(frozen=True, eq=False)
class LikelyTokens:
    """The most likely next tokens of each step, and the token that was chosen.

    Attributes:
        ids: Token ids, most likely first; of equally likely ones the lowest ids.
        probs: Their probabilities by the model's own distribution.
        chosen_logs: Log probability of the chosen token likewise, in nats, at most 0.
    """

    ids: Int64[np.ndarray, "step k"]
    probs: Float32[np.ndarray, "step k"]
    chosen_logs: Float64[np.ndarray, " step"]

    @property
    def chosen_probs(self) -> Float64[np.ndarray, " step"]:
        """Probability of the chosen token."""
        return np.exp(self.chosen_logs)


def likely_tokens(
    logits: Float[Tensor, "step vocab"], chosen: list[int], n_top: int
) -> LikelyTokens:
    """Return the `n_top` most likely tokens of each step, at most the vocabulary.

    Raises:
        ModelFilesError: If the logits are not finite numbers.
    """
    scores = logits.float() if logits.element_size() < 4 else logits
    totals = scores.logsumexp(1, keepdim=True)
    require_finite(totals, logits.dtype)
    ids, values = most_likely(scores, n_top)
    chosen_ids = torch.tensor(chosen, device=scores.device)[:, None]
    chosen_logs = (scores.gather(1, chosen_ids) - totals).cpu().double().numpy()[:, 0]
    logs = values - totals.cpu().double().numpy()
    # Rounding may leave the logarithm of a probability near 1 a hair above 0.
    return LikelyTokens(ids, np.exp(logs).astype(np.float32), np.minimum(chosen_logs, 0.0))


def require_finite(numbers: Tensor, dtype: torch.dtype) -> None:
    """Refuse numbers that were made of logits, if one of them is not finite.

    Args:
        numbers: Sums over the vocabulary, or probabilities: one logit that is not finite spoils
            them all.
        dtype: Number format of the logits.

    Raises:
        ModelFilesError: If so.
    """
    if not bool(numbers.isfinite().all()):
        raise ModelFilesError(
            _("The model gives numbers that are not finite."),
            found=_("They are {dtype}.").format(dtype=dtype_name(dtype)),
            fix=_("Load it with dtype float32; if that does not help, its weights are damaged."),
        )


def most_likely(
    scores: Float[Tensor, "step vocab"], n_top: int
) -> tuple[Int64[np.ndarray, "step k"], Float64[np.ndarray, "step k"]]:
    """Return ids and values of the largest scores, largest first; of equal ones the lowest ids."""
    top = scores.topk(min(n_top + 1, scores.shape[1]))
    ids, values = top.indices.cpu().numpy(), top.values.cpu().double().numpy()
    if n_top < values.shape[1]:
        # Of scores that tie at the border, topk takes any; there all that tie are looked at.
        for step in np.flatnonzero(values[:, n_top - 1] == values[:, n_top]):
            tied = (scores[step] >= top.values[step, -1]).nonzero()[:, 0].cpu().numpy()
            row = scores[step].cpu().double().numpy()[tied]
            order = np.lexsort((tied, -row))[: n_top + 1]
            ids[step], values[step] = tied[order], row[order]
    order = np.lexsort((ids, -values))[:, :n_top]
    return np.take_along_axis(ids, order, 1), np.take_along_axis(values, order, 1)
