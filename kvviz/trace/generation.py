"""The record of one generation: tokens, steps, and the numbers the attention used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from kvviz.errors import TraceError
from kvviz.trace.adapters import drawn
from kvviz.trace.arrays import checked_array, checked_index
from kvviz.trace.attention import check_products
from kvviz.trace.conversation import NO_CONVERSATION, Conversation
from kvviz.trace.cross_attention import CrossAttention
from kvviz.trace.cut_characters import with_characters
from kvviz.trace.encoding import EncodingTrace
from kvviz.trace.liveness import LastRead, drops_something, last_read, seen_by_query
from kvviz.trace.model_card import ModelCard
from kvviz.trace.options import GenerationOptions
from kvviz.trace.packed_rows import PackedRows
from kvviz.trace.recorded_attention import RecordedAttention
from kvviz.trace.step import Step
from kvviz.trace.step_laws import check_steps
from kvviz.trace.turned_keys import turned_scores
from kvviz.trace.vocabulary import check_named, check_token_ids, check_unicode
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

Stop = Literal["length", "end-of-text", "stop-token", "cancelled", "under-way"]


@dataclass(frozen=True, eq=False, repr=False)
class GenerationTrace(RecordedAttention):
    """A frozen record of one generation, checked when it is built.

    Axis order is ``layer head position d_head``. With the cache, queries, keys and values are the
    rows as they were computed once and read ever after, or until the cache dropped them. Without
    it they are the rows of the last step, which computed every one of them again;
    `Step.max_row_change` says how far they moved.

    Attributes:
        model: The model's card.
        prompt: The text as it was typed; of a conversation the text that its template made of it.
        options: How tokens were generated.
        token_ids: Prompt and generated tokens.
        tokens: The same as the tokenizer shows them.
        n_prompt: How many of them are the prompt.
        steps: One record a forward pass; step 0 is the prefill, in several passes of a long prompt.
        stopped: Why it ended: ``length`` (the number asked for), ``end-of-text``, ``stop-token``
            (one of the options' `stop_ids`), or ``cancelled`` (between two steps, by the caller).
            ``under-way`` if it had not ended when it was recorded.
        queries: Query rows of all positions that were fed. Those of rows that came from another run
            (`GenerationOptions.n_shared`) are that run's, as are their keys and values.
        all_keys: Key rows likewise.
        all_values: Value rows likewise.
        score_scale: Factor on query-key products before softmax, one a layer.
        written_fingerprints: A 64-bit fingerprint of each K row ([0]) and V row ([1]) taken when
            it was written, be it in another run.
        final_fingerprints: The same taken from the cache after the last step, or when it dropped
            the row. Equal numbers mean that the bits of the row never changed.
        vocabulary: The text of each token id that a step names in `top_ids` or chose, as the
            tokenizer shows it.
        environment: Versions and machine, for the record.
        position_bias: What is added to each score for the distance of key and query, the same in
            every layer, 0 where the mask forbids; None in a model that has none.
        cross: Cross-attention of a T5, with its encoder; None in a model without one. The tokens
            of the trace are then the decoder's, the prompt is the encoder's text, and `n_prompt`
            counts the one token that the decoder starts from.
        n_timings: How often the run was made to time it: the time of a step is the least of so
            many.
        n_together: Most runs that one forward pass of this one was made for. Beyond 1, times are
            of passes that were shared, and rows may differ in their last bits from those of a run
            that was made alone.
        turn_angles: By how many radians a layer turns each pair of numbers of a key for one place,
            where a cache turned keys that it kept; None where every key stood where it was written.
            A key is turned as many places on as rows behind it are gone.
        packed: What was read of rows once a cache had packed them into fewer bits; None where every
            row was read as it was written. Fingerprints of a packed row are of what is unpacked of
            it, the first time and the last.
        conversation: The turns that the prompt was made of; none where it was typed as it is.
        special_ids: Tokens of the run that stand for no text: the tokenizer calls them special. Of
            a T5, whose sentinels and ends are spoken of by name, none are told.

    Raises:
        TraceError: If dtypes, shapes, positions or counts contradict each other, a number is not
            finite, an id is not in the vocabulary, or a text is not Unicode.
    """

    model: ModelCard
    prompt: str
    options: GenerationOptions
    token_ids: Int64[np.ndarray, " n_tokens"]
    tokens: list[str]
    n_prompt: int
    steps: list[Step]
    stopped: Stop
    queries: Float32[np.ndarray, "layer head position d_head"]
    all_keys: Float32[np.ndarray, "layer kv_head position d_head"]
    all_values: Float32[np.ndarray, "layer kv_head position d_head"]
    score_scale: Float32[np.ndarray, " layer"]
    written_fingerprints: Int64[np.ndarray, "2 layer position"]
    final_fingerprints: Int64[np.ndarray, "2 layer position"]
    vocabulary: Mapping[int, str]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    position_bias: Float32[np.ndarray, "head query key"] | None = None
    cross: CrossAttention | None = None
    n_timings: int = 1
    n_together: int = 1
    turn_angles: Float64[np.ndarray, "layer pair"] | None = None
    packed: PackedRows | None = None
    conversation: Conversation = NO_CONVERSATION
    special_ids: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if type(self.n_timings) is not int or self.n_timings < 1:
            raise TraceError(
                _("A run is timed at least once."),
                found=_("Found {found!r}.").format(found=self.n_timings),
            )
        if type(self.n_together) is not int or self.n_together < 1:
            raise TraceError(
                _("A pass is made for at least one run."),
                found=_("Found {found!r}.").format(found=self.n_together),
            )
        checked_array(self.token_ids, "token_ids", np.int64, n_axes=1)
        if not 1 <= self.n_prompt < self.n_tokens or len(self.tokens) != self.n_tokens:
            raise TraceError(
                _("A trace holds a prompt, at least one new token, and a text for each."),
                found=self._counts(),
            )
        if self.n_rows > self.model.n_ctx:
            raise TraceError(
                _("A trace has no more rows than the model has positions."),
                found=_("It has {n_rows}, the model {n_positions}.").format(
                    n_rows=self.n_rows, n_positions=self.model.n_ctx
                ),
            )
        if self.options.n_shared >= self.n_prompt:
            raise TraceError(
                _("The last token of a prompt is read by the run itself."),
                found=self._counts(),
            )
        self._check_arrays()
        self._check_end()
        check_steps(
            self.steps,
            self.options,
            self.model,
            token_ids=self.token_ids,
            n_prompt=self.n_prompt,
            n_encoder=0 if self.cross is None else self.cross.n_encoder,
            last=self.last_read,
        )
        self._check_texts()

    def _counts(self) -> str:
        n_prompt, n_tokens, n_texts = self.n_prompt, self.n_tokens, len(self.tokens)
        return _("It has {prompt}, {tokens} and {texts}.").format(
            prompt=ngettext("{n} prompt token", "{n} prompt tokens", n_prompt).format(n=n_prompt),
            tokens=ngettext("{n} token", "{n} tokens", n_tokens).format(n=n_tokens),
            texts=ngettext("{n} text", "{n} texts", n_texts).format(n=n_texts),
        )

    def _check_arrays(self) -> None:
        card, n_rows = self.model, self.n_rows
        self._check_attention(n_rows)
        for name in ("written_fingerprints", "final_fingerprints"):
            checked_array(getattr(self, name), name, np.int64, shape=(2, card.n_layers, n_rows))
        has_cross = self.cross is not None and self.position_bias is not None
        if has_cross != (card.architecture == "encoder-decoder"):
            raise TraceError(
                _("A run of a T5 has cross-attention and a position bias, and no other has."),
                found=_("{name} is a {family}.").format(name=card.name, family=card.family),
            )
        is_changed = self.turn_angles is not None or self.packed is not None
        if is_changed and self.options.cache is None:
            raise TraceError(
                _("Only a named cache turns keys that it keeps, or packs rows."),
                found=_("It says {cache!r}.").format(cache=self.options.cache_name),
            )
        if self.turn_angles is not None:
            shape = (card.n_layers, card.d_head // 2)
            checked_array(self.turn_angles, "turn_angles", np.float64, shape=shape)
        if self.packed is not None:
            self.packed.check(card, n_rows, len(self.steps))
            check_products(self.queries, self.packed.keys, self.score_scale)
        if self.cross is not None:
            self.cross.check(card, n_rows)

    def _check_end(self) -> None:
        n_steps, most = len(self.steps), self.options.max_new_tokens
        if n_steps != self.n_tokens - self.n_prompt:
            raise TraceError(
                _("Every new token comes from one step."),
                found=_("There are {n_tokens} and {n_steps}.").format(
                    n_tokens=self.n_tokens - self.n_prompt, n_steps=n_steps
                ),
            )
        if self.stopped not in get_args(Stop):
            raise TraceError(
                _("A run ends in a known way."),
                found=_("It says {stopped!r}, not one of {allowed}.").format(
                    stopped=self.stopped, allowed=", ".join(get_args(Stop))
                ),
            )
        if n_steps > most or (self.stopped == "length" and n_steps != most):
            raise TraceError(
                _("A run has as many steps as its options and its end say."),
                found=_("It has {n_steps}, asked for {n_asked}, and ended by {stopped!r}.").format(
                    n_steps=n_steps, n_asked=most, stopped=self.stopped
                ),
            )

    def _check_texts(self) -> None:
        every_id = [self.token_ids, *(step.top_ids for step in self.steps)]
        check_token_ids(self.model, np.concatenate(every_id))
        named = [int(i) for step in self.steps for i in (*step.top_ids, step.chosen_id)]
        check_named(
            _("Every token that a step names has a text in the vocabulary."), named, self.vocabulary
        )
        check_unicode(self.prompt, self.tokens, self.vocabulary)
        if not self.special_ids <= {*named, *self.token_ids.tolist()}:
            raise TraceError(
                _("Only tokens of the run are called special."),
                found=_("Found {ids}.").format(ids=sorted(self.special_ids)[:8]),
            )

    @property
    def n_tokens(self) -> int:
        """Prompt and generated tokens."""
        return int(self.token_ids.size)

    @property
    def n_rows(self) -> int:
        """Positions that were fed, and so have K/V rows: all but the last token."""
        return self.n_tokens - 1

    @property
    def text(self) -> str:
        """Prompt and generated tokens as they are shown, joined."""
        return "".join(self.tokens)

    @cached_property
    def tokens_in_place(self) -> tuple[str, ...]:
        """The tokens as they read in this text, each part of a cut character with its character."""
        return with_characters(self.tokens)

    @cached_property
    def last_read(self) -> LastRead | None:
        """The last step at which each row could be read, the number of steps for one that stayed.

        None where no row was ever dropped.

        Raises:
            TraceError: If steps drop what is not there.
        """
        if not drops_something(self.steps):
            return None
        return last_read(self.steps, self.model.n_layers, self.model.n_kv_heads, self.n_prompt)

    def live(self, step: int, layer: int) -> Bool[np.ndarray, "kv_head position"]:
        """Return which rows of a layer the attention of a step could read, of all of the run.

        Raises:
            TraceError: If step or layer does not exist.
        """
        step = checked_index(step, len(self.steps), "step")
        layer = checked_index(layer, self.model.n_layers, "layer")
        written = np.arange(self.n_rows) < self.n_prompt + step
        if self.last_read is None:
            return np.repeat(written[None], self.model.n_kv_heads, axis=0)
        return written & (self.last_read[layer] >= step)

    @property
    def reuse_is_proven(self) -> bool:
        """Whether every row had, when it was last there, the very bits it was written with."""
        pairs = [(self.written_fingerprints, self.final_fingerprints)]
        if self.cross is not None:
            pairs.append((self.cross.written_fingerprints, self.cross.final_fingerprints))
        return all(np.array_equal(written, final) for written, final in pairs)

    @property
    def encoder(self) -> EncodingTrace:
        """The encoder's pass over the prompt, in a run of a T5.

        Raises:
            TraceError: If the model has no encoder.
        """
        return self._crossed().encoder

    def cross_keys(self, layer: int) -> Float32[np.ndarray, "kv_head encoder_position d_head"]:
        """Return the key rows of a layer's cross-attention.

        Raises:
            TraceError: If the layer does not exist, or the model has no encoder.
        """
        return self._crossed().keys[checked_index(layer, self.model.n_layers, "layer")]

    def cross_values(self, layer: int) -> Float32[np.ndarray, "kv_head encoder_position d_head"]:
        """Return the value rows of a layer's cross-attention.

        Raises:
            TraceError: If the layer does not exist, or the model has no encoder.
        """
        return self._crossed().values[checked_index(layer, self.model.n_layers, "layer")]

    def cross_pattern(self, layer: int, head: int) -> Float32[np.ndarray, "query encoder_position"]:
        """Return what each decoder position weighs each encoder position with.

        Raises:
            TraceError: If layer or head does not exist, or the model has no encoder.
        """
        return self._crossed().pattern(layer, head)

    def _crossed(self) -> CrossAttention:
        if self.cross is None:
            raise TraceError(
                _("Only a T5 has an encoder and cross-attention."),
                found=_("{name} is a {family}.").format(
                    name=self.model.name, family=self.model.family
                ),
            )
        return self.cross

    def scores(self, layer: int, head: int) -> Float32[np.ndarray, "query key"]:
        """Return query-key products, scaled and biased, before softmax.

        NaN where the mask forbids, and where the cache had dropped the key.

        Raises:
            TraceError: If layer or head does not exist.
        """
        layer, head, kv_head = self._head(layer, head)
        scores = self._scores(layer, head, kv_head, causal=True)
        if self.packed is not None:
            steps = (np.arange(self.n_rows) - self.n_prompt + 1).clip(min=0)
            unpacked = self.queries[layer, head] @ self.packed.keys[layer, kv_head].T
            unpacked = unpacked * self.score_scale[layer]
            if self.position_bias is not None:
                unpacked = unpacked + self.position_bias[head]
            is_read = self.packed.is_read_by(steps, 0) & ~np.isnan(scores)
            scores = np.where(is_read, unpacked, scores)
        if self.last_read is not None:
            seen = seen_by_query(self.last_read[layer, kv_head], self.n_prompt)
            scores[~seen] = np.nan
            if self.turn_angles is not None:
                turned_scores(
                    scores,
                    self.queries[layer, head],
                    self.all_keys[layer, kv_head],
                    float(self.score_scale[layer]),
                    self.turn_angles[layer],
                )
        return scores

    def __repr__(self) -> str:
        n_new = self.n_tokens - self.n_prompt
        cache = "with" if self.options.use_cache else "without"
        if self.options.cache is not None:
            cache = self.options.cache_name
        return (
            f"<GenerationTrace {self.model.name}: {self.n_prompt} + {n_new} tokens, {cache} cache>"
        )

    def _repr_html_(self) -> str | None:
        return drawn(self)
