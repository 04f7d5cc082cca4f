"""Loss on text that was never trained on: bits per character, and the loss by position."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from training.tokenizer import END_OF_TEXT

BUCKETS = ((0, 64), (64, 256), (256, 512), (512, 1024))
ROWS_AT_ONCE_TOKENS = 4096


@dataclass(frozen=True)
class HeldoutText:
    """The held-out documents as one running text.

    Attributes:
        tokens: (n,) int64, starting with the end-of-text token and with one after each document.
        n_characters: Characters of the documents; separators are not counted.
        end: The end-of-text id; it is fed, but its own prediction is not scored.
    """

    tokens: Int64[np.ndarray, " n"]
    n_characters: int
    end: int

    @classmethod
    def of(cls, documents: tuple[str, ...], tokenizer: Tokenizer) -> HeldoutText:
        """Tokenises documents."""
        end = tokenizer.get_vocab()[END_OF_TEXT]
        encoded = tokenizer.encode_batch_fast(list(documents), add_special_tokens=False)
        ids = [end, *(i for e in encoded for i in (*e.ids, end))]
        return cls(np.array(ids, dtype=np.int64), sum(map(len, documents)), end)

    @property
    def n_scored(self) -> int:
        """How many tokens are scored."""
        return int(np.sum(self.tokens[1:] != self.end))

    def bits_per_character(self, nats: Float64[np.ndarray, " n_minus_1"]) -> float:
        """Returns the cost of the text.

        Args:
            nats: -ln p of every token but the first.
        """
        scored = self.tokens[1:] != self.end
        return float(nats[scored].sum() / np.log(2) / self.n_characters)


@torch.no_grad()
def model_nats(
    model: PreTrainedModel, tokens: Int64[np.ndarray, " n"], n_ctx: int
) -> Float64[np.ndarray, " n_minus_1"]:
    """Returns -ln p of every token but the first, read in windows that do not overlap.

    A token at place i of its window is predicted from the i tokens before it in the window, so
    the first ones of each window are predicted from little; nothing is left out.

    Args:
        model: A causal language model.
        tokens: The running text.
        n_ctx: Tokens fed in a window.
    """
    n = len(tokens) - 1
    nats = np.empty(n)
    n_full = n // n_ctx
    windows = [(i * n_ctx, n_ctx) for i in range(n_full)]
    at_once = max(1, ROWS_AT_ONCE_TOKENS // n_ctx)
    groups = [windows[i : i + at_once] for i in range(0, n_full, at_once)]
    if n % n_ctx:
        groups.append([(n_full * n_ctx, n % n_ctx)])
    for group in groups:
        rows = torch.from_numpy(np.stack([tokens[s : s + length + 1] for s, length in group]))
        logits = model(rows[:, :-1]).logits.float()
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), rows[:, 1:].flatten(), reduction="none"
        )
        start = group[0][0]
        nats[start : start + loss.numel()] = loss.numpy()
    return nats


def nats_by_position(nats: Float64[np.ndarray, " n"], n_ctx: int) -> dict[str, float]:
    """Returns the mean loss in nats per token for stretches of positions within the window.

    Args:
        nats: As `model_nats` gives them for windows of `n_ctx`.
        n_ctx: Tokens in a window.
    """
    position = np.arange(len(nats)) % n_ctx
    return {
        f"{low}-{high - 1}": float(nats[(position >= low) & (position < high)].mean())
        for low, high in BUCKETS
        if np.any((position >= low) & (position < high))
    }
