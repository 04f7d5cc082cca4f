"""What a model is asked: the one thing, beside the mask, in which the twins differ.

An objective turns rows of text into arrays, and a model's answer to them into a loss. The rows are
the same for all three models; what is hidden in them is drawn per step.

Axes: `row position`.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor, nn

from training.batches import Rows
from training.models import IDS
from training.spans import corrupt_spans, most_spans
from training.tokenizer import CLS, END_OF_TEXT, MASK, N_SPECIAL, PAD, SEP

MASKED_SHARE = 0.15
SHOWN_AS_MASK, SHOWN_AS_RANDOM = 0.8, 0.1
NOT_ASKED = -100  # what torch's cross-entropy leaves out


class Objective(Protocol):
    """A question put to a model."""

    def inputs(self, rows: Rows, draw: np.random.Generator) -> tuple[Int64[np.ndarray, "..."], ...]:
        """Returns the arrays that the loss takes; their shapes depend on the rows' shape alone."""
        ...

    def loss(self, model: Any, *inputs: Tensor) -> Tensor:
        """Returns the mean cross-entropy in nats over the tokens that are asked for."""
        ...


class NextToken:
    """GPT-2's question: which token comes next?"""

    def inputs(self, rows: Rows, draw: np.random.Generator) -> tuple[Int64[np.ndarray, "..."], ...]:
        """Returns tokens, positions and targets, each (row position); draws nothing."""
        return rows.tokens[:, :-1], rows.positions, rows.tokens[:, 1:]

    def loss(self, model: Any, *inputs: Tensor) -> Tensor:
        """Returns the loss over all positions.

        The blocks are called one by one: given position ids that jump, the model's own forward
        takes the row for several packed texts and hides one part from the other. A block masks by
        itself where attention is torch's own kernel, and takes a mask where it is written out.
        """
        tokens, positions, targets = inputs
        body = model.transformer
        hidden = body.wte(tokens) + body.wpe(positions)
        mask = None if model.config._attn_implementation == "sdpa" else _causal(hidden)
        for block in body.h:
            hidden = block(hidden, attention_mask=mask)
        return _cross_entropy(model.lm_head(body.ln_f(hidden)), targets)


class NextTokenAfterStart:
    """Llama's question: which token comes next, in a row that begins with the start token?

    The start token takes the place of the row's first, as [CLS] does in a BERT. So what stands
    first is the same in every row and tells nothing, and heads have a place to look at where they
    look for nothing. Source: Xiao et al., "Efficient Streaming Language Models with Attention
    Sinks", section 3.3, arXiv 2309.17453.
    """

    def inputs(self, rows: Rows, draw: np.random.Generator) -> tuple[Int64[np.ndarray, "..."], ...]:
        """Returns tokens, positions and targets, each (row position); draws nothing."""
        tokens = rows.tokens[:, :-1].copy()
        tokens[:, 0] = IDS[END_OF_TEXT]
        return tokens, rows.positions, rows.tokens[:, 1:]

    def loss(self, model: Any, *inputs: Tensor) -> Tensor:
        """Returns the loss over all positions; block by block, for the masks as `NextToken`'s."""
        tokens, positions, targets = inputs
        body = model.model
        hidden = body.embed_tokens(tokens)
        turns = body.rotary_emb(hidden, positions)
        mask = None if model.config._attn_implementation == "sdpa" else _causal(hidden)
        for block in body.layers:
            hidden = block(hidden, attention_mask=mask, position_embeddings=turns)
        return _cross_entropy(model.lm_head(body.norm(hidden)), targets)


class MaskedToken:
    """BERT's question: which tokens are hidden?

    The first token of a row becomes [CLS] and the last [SEP]. Of the rest 15 % are asked for: 80 %
    of them are shown as [MASK], 10 % as a random token, 10 % as they are. Source: Devlin et al.,
    "BERT", section 3.1, arXiv 1810.04805.
    """

    def __init__(self, d_vocab: int) -> None:
        self._d_vocab = d_vocab

    def inputs(self, rows: Rows, draw: np.random.Generator) -> tuple[Int64[np.ndarray, "..."], ...]:
        """Returns shown tokens and positions, (row position); asked places and targets, (row k)."""
        shown = rows.tokens[:, :-1].copy()
        shown[:, 0], shown[:, -1] = IDS[CLS], IDS[SEP]
        n_rows, n_ctx = shown.shape
        n_asked = max(1, round(MASKED_SHARE * (n_ctx - 2)))
        # The same number in every row, so that shapes never change.
        asked = np.sort(draw.random((n_rows, n_ctx - 2)).argsort(axis=1)[:, :n_asked] + 1, axis=1)
        targets = np.take_along_axis(shown, asked, axis=1)
        kind = draw.random(asked.shape)
        random = draw.integers(N_SPECIAL, self._d_vocab, asked.shape)
        shown_as = np.where(
            kind < SHOWN_AS_MASK,
            IDS[MASK],
            np.where(kind < SHOWN_AS_MASK + SHOWN_AS_RANDOM, random, targets),
        )
        np.put_along_axis(shown, asked, shown_as, axis=1)
        return shown, rows.positions, asked, targets

    def loss(self, model: Any, *inputs: Tensor) -> Tensor:
        """Returns the loss over the asked places; the head runs on those alone."""
        tokens, positions, asked, targets = inputs
        hidden = model.bert(tokens, position_ids=positions).last_hidden_state
        index = asked[..., None].expand(-1, -1, hidden.shape[-1])
        return _cross_entropy(model.cls(hidden.gather(1, index)), targets)


class SpanCorruption:
    """T5's question: what stood where the sentinels stand?"""

    def inputs(self, rows: Rows, draw: np.random.Generator) -> tuple[Int64[np.ndarray, "..."], ...]:
        """Returns encoder tokens, which of them count, decoder tokens and targets, (row position).

        Rows are filled up to one shape. In a row that is cut short any number of spans is hidden,
        from one to as many as its length allows.
        """
        tokens = rows.tokens[:, :-1]
        n_rows, n_ctx = tokens.shape
        pairs = (
            [corrupt_spans(row, draw) for row in tokens]
            if rows.lengths is None
            else [
                corrupt_spans(
                    row[:length],
                    draw,
                    None if length == n_ctx else int(draw.integers(most_spans(length)[1])) + 1,
                )
                for row, length in zip(tokens, rows.lengths.tolist(), strict=True)
            ]
        )
        sources = np.full((n_rows, n_ctx + 1), IDS[PAD], dtype=np.int64)
        counts = np.zeros_like(sources)
        targets = np.full((n_rows, sum(most_spans(n_ctx)) + 1), NOT_ASKED, dtype=np.int64)
        for row, (source, target) in enumerate(pairs):
            sources[row, : len(source)], counts[row, : len(source)] = source, 1
            targets[row, : len(target)] = target
        start = np.full((n_rows, 1), IDS[PAD])
        decoder = np.concatenate([start, targets[:, :-1]], axis=1)
        return sources, counts, np.where(decoder == NOT_ASKED, IDS[PAD], decoder), targets

    def loss(self, model: Any, *inputs: Tensor) -> Tensor:
        """Returns the loss over all targets, sentinels and the end included."""
        tokens, counts, decoder, targets = inputs
        logits = model(
            input_ids=tokens, attention_mask=counts, decoder_input_ids=decoder, use_cache=False
        ).logits
        return _cross_entropy(logits, targets)


def objective_for(family: str, d_vocab: int) -> Objective:
    """Returns the question of a family: "gpt2", "llama", "bert" or "t5"."""
    if family == "llama":
        return NextTokenAfterStart()
    if family == "bert":
        return MaskedToken(d_vocab)
    if family == "t5":
        return SpanCorruption()
    return NextToken()


def to_tensors(
    arrays: tuple[Int64[np.ndarray, "..."], ...], device: torch.device
) -> tuple[Tensor, ...]:
    """Copies the arrays of an objective to a device."""
    return tuple(torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in arrays)


def _causal(hidden: Tensor) -> Tensor:
    n, dtype = hidden.shape[1], torch.bfloat16  # of the scores under autocast: half the traffic
    # The lowest number, not minus infinity: a kernel that subtracts a row's largest score never
    # meets infinity minus infinity.
    lowest = torch.finfo(dtype).min
    return torch.full((n, n), lowest, dtype=dtype, device=hidden.device).triu(1)[None, None]


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
