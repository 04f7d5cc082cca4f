"""Loss on text that was never trained on: bits per character, and the loss by position."""

from __future__ import annotations

from collections.abc import Iterator
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
    model: PreTrainedModel,
    tokens: Int64[np.ndarray, " n"],
    n_ctx: int,
    stride: int | None = None,
    start: int | None = None,
) -> Float64[np.ndarray, " n_minus_1"]:
    """Returns -ln p of every token but the first, read in windows.

    Without a stride windows do not overlap: a token at place i of its window is predicted from
    the i tokens before it in the window, so the first ones of each window are predicted from
    little. With one, each window repeats the end of the last, and only what is new is scored:
    every token but those of the first window has at least `n_ctx - stride` before it, as an
    n-gram, which never starts anew, always has its own. Nothing is left out either way.

    Args:
        model: A causal language model.
        tokens: The running text.
        n_ctx: Tokens fed in a window.
        stride: Tokens from the start of a window to that of the next; `n_ctx` if None.
        start: What stands in place of the first token of each window, of a model whose rows begin
            alike; it then predicts from one token less than is said above. None leaves it.

    Source: the overlapping windows are those of transformers' page on the perplexity of
    fixed-length models.
    """
    n = len(tokens) - 1
    nats = np.empty(n)
    at_once = max(1, ROWS_AT_ONCE_TOKENS // n_ctx)
    scored = 0
    for group in _grouped(_window_starts(n, n_ctx, stride or n_ctx), n, n_ctx, at_once):
        length = min(n_ctx, n - group[0])
        rows = torch.from_numpy(np.stack([tokens[s : s + length + 1] for s in group]))
        fed = rows[:, :-1].clone()
        if start is not None:
            fed[:, 0] = start
        logits = model(fed).logits.float()
        losses = torch.nn.functional.cross_entropy(
            logits.transpose(1, 2), rows[:, 1:], reduction="none"
        ).numpy()
        for begin, loss in zip(group, losses, strict=True):
            nats[scored : begin + length] = loss[scored - begin :]
            scored = begin + length
    return nats


def _window_starts(n: int, n_ctx: int, stride: int) -> list[int]:
    """Returns where windows start so that the last one reaches the end."""
    return [0, *range(stride, n - n_ctx + stride, stride)]


def _grouped(starts: list[int], n: int, n_ctx: int, at_once: int) -> Iterator[list[int]]:
    """Yields windows that can run together; the last of a text may be short and runs alone."""
    full = [start for start in starts if start + n_ctx <= n]
    for i in range(0, len(full), at_once):
        yield full[i : i + at_once]
    for start in starts[len(full) :]:
        yield [start]


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
