"""The record of one encoding: a text read in one pass, with nothing generated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float32, Int64

from kvviz.errors import TraceError
from kvviz.trace.arrays import checked_array, checked_index
from kvviz.trace.cut_characters import with_characters
from kvviz.trace.model_card import ModelCard
from kvviz.trace.recorded_attention import RecordedAttention
from kvviz.trace.vocabulary import check_named, check_token_ids, check_unicode
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

Mask = Literal["causal", "bidirectional"]


@dataclass(frozen=True, eq=False, repr=False)
class EncodingTrace(RecordedAttention):
    """A frozen record of one pass over a text, checked when it is built.

    Axis order is ``layer head position d_head``. The encoder of a T5 is recorded likewise; its
    card then counts the encoder's layers.

    Attributes:
        model: The model's card.
        text: The text as it was given; where token ids were given, their tokens, joined.
        mask: Which mask was used: ``causal`` (each position sees itself and those before) or
            ``bidirectional`` (each sees all).
        token_ids: What was fed.
        original_ids: The same before any token was hidden.
        tokens: What was fed, as the tokenizer shows it.
        spans: First character and end of each token in `text`; (-1, -1) for a token that stands
            for no text.
        special: Which tokens the tokenizer adds around a text, such as [CLS] and [SEP].
        hidden_positions: Positions whose token was replaced by the mask token, ascending.
        queries: Query rows of all positions.
        all_keys: Key rows likewise.
        all_values: Value rows likewise.
        score_scale: Factor on query-key products before softmax, one a layer.
        hidden_states: The residual stream: [0] the embeddings as the first layer gets them, [i]
            what layer i leaves; the last after the final norm, where the model has one.
        top_ids: Most likely tokens of each position, most likely first: the next token of a GPT-2,
            the token of this very place of a BERT. No columns where the model has no such head.
        top_probs: Their probabilities in [0, 1].
        label_ids: The token that the prediction at each position is judged by, -1 where there is
            none. GPT-2: the next token. BERT: the original, at hidden positions only.
        label_logprobs: Log probability of the label in nats; NaN where there is none.
        vocabulary: Text of each token id that occurs, as the tokenizer shows it.
        seconds: Measured time of the pass, device synchronised.
        flops: Counted floating-point operations of the pass.
        position_bias: What is added to each score for the distance of key and query, the same in
            every layer; None in a model that has none.
        environment: Versions and machine, for the record.

    Raises:
        TraceError: If dtypes, shapes, positions or counts contradict each other, a number is not
            finite, an id is not in the vocabulary, or a text is not Unicode.
    """

    model: ModelCard
    text: str
    mask: Mask
    token_ids: Int64[np.ndarray, " position"]
    original_ids: Int64[np.ndarray, " position"]
    tokens: list[str]
    spans: Int64[np.ndarray, "position 2"]
    special: Bool[np.ndarray, " position"]
    hidden_positions: tuple[int, ...]
    queries: Float32[np.ndarray, "layer head position d_head"]
    all_keys: Float32[np.ndarray, "layer kv_head position d_head"]
    all_values: Float32[np.ndarray, "layer kv_head position d_head"]
    score_scale: Float32[np.ndarray, " layer"]
    hidden_states: Float32[np.ndarray, "layer_and_one position d_model"]
    top_ids: Int64[np.ndarray, "position k"]
    top_probs: Float32[np.ndarray, "position k"]
    label_ids: Int64[np.ndarray, " position"]
    label_logprobs: Float32[np.ndarray, " position"]
    vocabulary: Mapping[int, str]
    seconds: float
    flops: int
    position_bias: Float32[np.ndarray, "head query key"] | None = None
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        checked_array(self.token_ids, "token_ids", np.int64, n_axes=1)
        if not self.n_tokens or len(self.tokens) != self.n_tokens:
            raise TraceError(
                _("An encoding holds at least one token, and a text for each."),
                found=_("It has {tokens} and {texts}.").format(
                    tokens=ngettext("{n} token", "{n} tokens", self.n_tokens).format(
                        n=self.n_tokens
                    ),
                    texts=ngettext("{n} text", "{n} texts", len(self.tokens)).format(
                        n=len(self.tokens)
                    ),
                ),
            )
        if self.n_tokens > self.model.n_ctx:
            raise TraceError(
                _("An encoding has no more tokens than the model has positions."),
                found=_("It has {n}, the model {n_positions}.").format(
                    n=self.n_tokens, n_positions=self.model.n_ctx
                ),
            )
        if self.mask not in get_args(Mask):
            raise TraceError(
                _("A mask is causal or bidirectional."),
                found=_("It says {mask!r}.").format(mask=self.mask),
            )
        if not (self.seconds >= 0 and np.isfinite(self.seconds)) or self.flops < 0:
            raise TraceError(
                _("Times and counts are numbers from 0 on."),
                found=ngettext(
                    "It took {seconds} s and {n} operation.",
                    "It took {seconds} s and {n} operations.",
                    self.flops,
                ).format(seconds=self.seconds, n=self.flops),
            )
        self._check_rows()
        self._check_places()
        self._check_predictions()
        self._check_labels()
        self._check_texts()

    def _check_rows(self) -> None:
        card, n = self.model, self.n_tokens
        self._check_attention(n)
        shape = (card.n_layers + 1, n, card.d_model)
        checked_array(self.hidden_states, "hidden_states", np.float32, shape=shape)

    def _check_places(self) -> None:
        n = self.n_tokens
        checked_array(self.original_ids, "original_ids", np.int64, shape=(n,))
        checked_array(self.special, "special", np.bool_, shape=(n,))
        spans = checked_array(self.spans, "spans", np.int64, shape=(n, 2))
        is_none = (spans == -1).all(axis=1)
        is_span = (
            (spans[:, 0] >= 0) & (spans[:, 0] <= spans[:, 1]) & (spans[:, 1] <= len(self.text))
        )
        if not (is_none | (is_span & ~self.special)).all():
            raise TraceError(
                _("A token stands for characters of the text, a special one for none."),
                found=_("Token {place} does not.").format(
                    place=int(np.argmin(is_none | is_span & ~self.special))
                ),
            )
        hidden = list(self.hidden_positions)
        differ = np.flatnonzero(self.token_ids != self.original_ids).tolist()
        if hidden != sorted({*hidden}) or any(not 0 <= place < n for place in hidden):
            raise TraceError(
                _("Hidden positions ascend and exist."),
                found=_("They are {places}.").format(places=hidden[:9]),
            )
        if not set(differ) <= set(hidden):
            raise TraceError(
                _("Only a hidden token differs from the original."),
                found=_("Token {place} differs and is not hidden.").format(
                    place=min(set(differ) - set(hidden))
                ),
            )

    def _check_predictions(self) -> None:
        ids = checked_array(self.top_ids, "top_ids", np.int64, n_axes=2)
        probs = checked_array(self.top_probs, "top_probs", np.float32, shape=ids.shape)
        if len(ids) != self.n_tokens:
            raise TraceError(
                _("Every position has its likely tokens."),
                found=_("There are {positions} and {rows}.").format(
                    positions=ngettext("{n} position", "{n} positions", self.n_tokens).format(
                        n=self.n_tokens
                    ),
                    rows=ngettext("{n} row", "{n} rows", len(ids)).format(n=len(ids)),
                ),
            )
        if probs.size and (probs.min() < 0 or probs.max() > 1):
            raise TraceError(
                _("Probabilities lie in [0, 1]."), found=_("Some in top_probs do not.")
            )
        if (probs[:, 1:] > probs[:, :-1]).any():
            raise TraceError(
                _("The most likely token comes first."), found=_("In top_probs it does not.")
            )

    def _check_labels(self) -> None:
        labels = checked_array(self.label_ids, "label_ids", np.int64, shape=(self.n_tokens,))
        if not np.array_equal(labels, self._labels()):
            raise TraceError(
                _("The label of a GPT-2 is the next token, that of a BERT the hidden one."),
                found=_("The labels are others."),
            )
        logprobs = self.label_logprobs
        has_label = labels >= 0
        if logprobs.dtype != np.float32 or logprobs.shape != labels.shape:
            raise TraceError(
                _("label_logprobs is one float32 number a position."),
                found=_("It is {dtype} {shape}.").format(
                    dtype=logprobs.dtype, shape=logprobs.shape
                ),
            )
        logprobs.setflags(write=False)
        with_label = logprobs[has_label]
        if not np.isnan(logprobs[~has_label]).all() or not (
            np.isfinite(with_label).all() and (with_label <= 0).all()
        ):
            raise TraceError(
                _(
                    "A log probability is finite and at most 0 where there is a label, and NaN "
                    "where there is none."
                ),
                found=_("Some in label_logprobs are not."),
            )

    def _labels(self) -> Int64[np.ndarray, " position"]:
        labels = np.full(self.n_tokens, -1, dtype=np.int64)
        if self.top_ids.shape[1] and self.model.architecture == "decoder":
            labels[:-1] = self.original_ids[1:]
        elif self.top_ids.shape[1] and self.model.architecture == "encoder":
            hidden = list(self.hidden_positions)
            labels[hidden] = self.original_ids[hidden]
        return labels

    def _check_texts(self) -> None:
        ids = np.concatenate([self.token_ids, self.original_ids, self.top_ids.reshape(-1)])
        check_token_ids(self.model, ids)
        check_named(
            _("Every token that occurs has a text in the vocabulary."), ids, self.vocabulary
        )
        check_unicode(self.text, self.tokens, self.vocabulary)

    @property
    def n_tokens(self) -> int:
        """Tokens that were fed."""
        return int(self.token_ids.size)

    @cached_property
    def tokens_in_place(self) -> tuple[str, ...]:
        """The tokens as they read in this text, each part of a cut character with its character."""
        return with_characters(self.tokens)

    @property
    def patterns(self) -> Float32[np.ndarray, "layer head query key"]:
        """The patterns of all heads, computed anew at each call; see `pattern`."""
        card = self.model
        return np.stack(
            [
                [self.pattern(layer, head) for head in range(card.n_heads)]
                for layer in range(card.n_layers)
            ]
        )

    def hidden(self, layer: int) -> Float32[np.ndarray, "position d_model"]:
        """Return the residual stream after a layer.

        Args:
            layer: 0 for the embeddings, n_layers for the last, after the final norm if there is
                one.

        Raises:
            TraceError: If the layer does not exist.
        """
        return self.hidden_states[checked_index(layer, self.model.n_layers + 1, "layer")]

    def scores(self, layer: int, head: int) -> Float32[np.ndarray, "query key"]:
        """Return scaled query-key products before softmax; NaN where the mask forbids.

        Raises:
            TraceError: If layer or head does not exist.
        """
        layer, head, kv_head = self._head(layer, head)
        return self._scores(layer, head, kv_head, causal=self.mask == "causal")

    def __repr__(self) -> str:
        return f"<EncodingTrace {self.model.name}: {self.n_tokens} tokens, {self.mask} mask>"
