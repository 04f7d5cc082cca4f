"""The next token: the model's distribution, the one sampled from, and the choice."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int64
from torch import Tensor

from kvviz.errors import ModelFilesError
from kvviz.trace import GenerationOptions


@dataclass(frozen=True, eq=False)
class LikelyTokens:
    """The most likely next tokens at one step, as `kvviz.trace.Step` keeps them."""

    ids: Int64[np.ndarray, " k"]
    probs: Float32[np.ndarray, " k"]
    sampling_probs: Float32[np.ndarray, " k"]
    chosen_prob: float


class TokenChooser:
    """Chooses tokens, the same ones for the same logits and seed on every device.

    One number is drawn a step and looked up in the cumulative distribution, in the order of the
    token ids, in float64. So the last bits of the logits, in which a run with the cache differs
    from one without, move no border by more than they move a probability.

    Args:
        options: Temperature, top-k, top-p and seed.
    """

    def __init__(self, options: GenerationOptions) -> None:
        self._options = options
        self._generator = torch.Generator().manual_seed(options.seed)
        self._probs: Float64[Tensor, " vocab"] | None = None

    def choose(self, logits: Float[Tensor, " vocab"]) -> int:
        """Return the id of the next token."""
        if self._options.temperature == 0.0:
            return int(logits.argmax())
        self._probs = sampling_distribution(
            logits.double().cpu(),
            self._options.temperature,
            self._options.top_k,
            self._options.top_p,
        )
        cumulative = self._probs.cumsum(0)
        draw = torch.rand((), generator=self._generator, dtype=torch.float64) * cumulative[-1]
        chosen = int(torch.searchsorted(cumulative, draw, right=True))
        # The product above may round up to the total itself, which no entry exceeds.
        return min(chosen, int(self._probs.nonzero()[-1]))

    def likely(self, logits: Float[Tensor, " vocab"], chosen: int, n_top: int) -> LikelyTokens:
        """Return the most likely tokens by the logits that `choose` has just chosen from.

        Raises:
            ModelFilesError: If the logits are not finite numbers.
        """
        scores = logits.float() if logits.element_size() < 4 else logits
        total = float(scores.logsumexp(0))
        if not math.isfinite(total):
            raise ModelFilesError(
                "The model gives logits that are not finite numbers.",
                found=f"They are {str(logits.dtype).removeprefix('torch.')}.",
                fix="Load it with dtype float32; if that does not help, its weights are damaged.",
            )
        ids, top_scores = most_likely(scores, n_top)
        sampling_probs = ids == chosen if self._probs is None else self._probs.numpy()[ids]
        return LikelyTokens(
            ids=ids,
            probs=np.exp(np.minimum(top_scores - total, 0.0)).astype(np.float32),
            sampling_probs=sampling_probs.astype(np.float32),
            chosen_prob=math.exp(min(float(scores[chosen]) - total, 0.0)),
        )


def most_likely(
    scores: Float[Tensor, " vocab"], n_top: int
) -> tuple[Int64[np.ndarray, " k"], Float64[np.ndarray, " k"]]:
    """Return ids and values of the largest scores, largest first; of equal ones the lowest ids."""
    top = scores.topk(min(n_top + 1, scores.numel()))
    values, ids = top.values.cpu().numpy().astype(np.float64), top.indices.cpu().numpy()
    if n_top < values.size and values[n_top - 1] == values[n_top]:
        # Of scores that tie at the border, topk takes any; here all that tie are looked at.
        ids = (scores >= top.values[-1]).nonzero()[:, 0].cpu().numpy()
        values = scores.cpu().numpy().astype(np.float64)[ids]
    order = np.lexsort((ids, -values))[:n_top]
    return ids[order], values[order]


def sampling_distribution(
    logits: Float64[Tensor, " vocab"], temperature: float, top_k: int | None, top_p: float | None
) -> Float64[Tensor, " vocab"]:
    """Return the probabilities that a token is drawn with.

    Temperature comes first, then top-k, then top-p on what top-k left.

    Args:
        logits: Logits of all tokens.
        temperature: Divisor of the logits, above 0.
        top_k: Keep this many of the most likely tokens; of equal ones the lowest ids.
        top_p: Keep the fewest most likely tokens that together have this probability.

    Returns:
        Probabilities of all tokens, which sum to 1.

    Source: Fan et al. (2018) for top-k, Holtzman et al. (2020), section 3.1, for top-p.
    """
    # The largest logit is taken off first, so that a tiny temperature gives -inf, not inf - inf.
    probs = ((logits - logits.max()) / temperature).softmax(0)
    if top_k is not None and top_k < probs.numel():
        kept = torch.from_numpy(most_likely(logits, top_k)[0])
        probs = torch.zeros_like(probs).index_copy_(0, kept, probs[kept])
        probs /= probs.sum()
    if top_p is not None and top_p < 1.0:
        ids = torch.from_numpy(most_likely(logits, probs.numel() if top_k is None else top_k)[0])
        mass = probs[ids]
        kept = ids[mass.cumsum(0) - mass < top_p]
        probs = torch.zeros_like(probs).index_copy_(0, kept, probs[kept])
        probs /= probs.sum()
    return probs
