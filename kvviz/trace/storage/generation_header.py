"""What the header of a trace file says of a generation: all but its large arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from kvviz.errors import KvvizError
from kvviz.trace.conversation import NO_CONVERSATION, Conversation
from kvviz.trace.cross_attention import CrossAttention
from kvviz.trace.generation import GenerationTrace, Stop
from kvviz.trace.liveness import evictions, fallen_rows, readable
from kvviz.trace.model_card import ModelCard
from kvviz.trace.options import GenerationOptions
from kvviz.trace.step import Step
from kvviz.trace.storage import cache_arrays
from kvviz.trace.storage import header_fields as fields
from kvviz.trace.storage.cache_arrays import CacheKind, part_of
from kvviz.trace.storage.encoding_header import EncodingHeader
from kvviz.trace.storage.encoding_header import arrays_of as encoding_arrays_of
from kvviz.trace.storage.encoding_header import header_facts as encoding_header_facts
from kvviz.trace.storage.encoding_header import read_header as read_encoding_header
from kvviz.trace.storage.header_fields import damaged
from kvviz.trace.storage.header_json import Array, Expected
from kvviz.trace.storage.step_header import POSITIONS, ends_of, step_facts, typed_step
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

_FIELDS = {
    "model",
    "prompt",
    "options",
    "tokens",
    "n_prompt",
    "n_likely",
    "steps",
    "stopped",
    "vocabulary",
    "environment",
}
_LATER_FIELDS: dict[str, Any] = {
    "n_timings": 1,
    "n_together": 1,
    "conversation": "",
    "special_ids": [],
}
"""Fields that a file written before there were such need not have, and what they are then."""
_TEXTS = ("prompt", "conversation")
"""Fields that may be long."""

_LIKELY = ("top_ids", "top_probs", "top_sampling_probs")
_CROSS_POSITIONS = ("cross_computed", "cross_reused")
_CROSS_ARRAYS = (
    "queries",
    "keys",
    "values",
    "score_scale",
    "written_fingerprints",
    "final_fingerprints",
)
_CROSS, _ENCODER = "cross_", "encoder_"
_PARTS = (_CROSS, _ENCODER, cache_arrays.PACKED)


@dataclass(frozen=True)
class Header:
    """A header whose fields are all there and of the right type.

    Attributes:
        model: The model's card.
        options: How tokens were generated.
        prompt: The text as it was typed.
        tokens: Texts of prompt and generated tokens.
        n_prompt: How many of them are the prompt.
        n_likely: How many likely tokens each step names.
        steps: The numbers of each step, as they stand in the file.
        stopped: Why the run ended.
        vocabulary: Texts of the tokens that steps name.
        environment: Versions and machine.
        n_timings: How often the run was timed.
        n_together: Most runs that one of its passes was made for.
        conversation: The turns that the prompt was made of.
        special_ids: Tokens that stand for no text.
        encoder: The header of the encoder's pass, or None in a model without an encoder.
        cache_kind: What a named cache did with its rows, or None for no such cache.
    """

    model: ModelCard
    options: GenerationOptions
    prompt: str
    tokens: list[str]
    n_prompt: int
    n_likely: int
    steps: list[dict[str, Any]]
    stopped: Stop
    vocabulary: dict[int, str]
    environment: dict[str, str]
    n_timings: int = 1
    n_together: int = 1
    conversation: Conversation = NO_CONVERSATION
    special_ids: frozenset[int] = frozenset()
    encoder: EncodingHeader | None = None
    cache_kind: CacheKind | None = None

    @property
    def n_rows(self) -> int:
        """Rows that the arrays of the file hold: one a token, but for the last."""
        return len(self.tokens) - 1

    @property
    def expected(self) -> Expected:
        """Dtype and shape of each array that a file with this header holds."""
        card, n_rows = self.model, self.n_rows
        rows = (card.n_layers, card.n_kv_heads, n_rows, card.d_head)
        likely = (len(self.steps), self.n_likely)
        expected: Expected = {
            **cache_arrays.expected(self.cache_kind, card, n_rows),
            "token_ids": ("<i8", (len(self.tokens),)),
            "queries": ("<f4", (card.n_layers, card.n_heads, n_rows, card.d_head)),
            "all_keys": ("<f4", rows),
            "all_values": ("<f4", rows),
            "score_scale": ("<f4", (card.n_layers,)),
            "written_fingerprints": ("<i8", (2, card.n_layers, n_rows)),
            "final_fingerprints": ("<i8", (2, card.n_layers, n_rows)),
            "top_ids": ("<i8", likely),
            "top_probs": ("<f4", likely),
            "top_sampling_probs": ("<f4", likely),
        }
        if self.encoder is not None:
            n = len(self.encoder.tokens)
            cross_rows = (card.n_layers, card.n_kv_heads, n, card.d_head)
            expected |= {
                "position_bias": ("<f4", (card.n_heads, n_rows, n_rows)),
                f"{_CROSS}queries": expected["queries"],
                f"{_CROSS}keys": ("<f4", cross_rows),
                f"{_CROSS}values": ("<f4", cross_rows),
                f"{_CROSS}score_scale": ("<f4", (card.n_layers,)),
                f"{_CROSS}written_fingerprints": ("<i8", (2, card.n_layers, n)),
                f"{_CROSS}final_fingerprints": ("<i8", (2, card.n_layers, n)),
            }
            expected |= {_ENCODER + name: of for name, of in self.encoder.expected.items()}
        return expected

    def build(self, arrays: Mapping[str, Array]) -> GenerationTrace:
        """Build the trace from this header and the arrays of its file.

        Raises:
            TraceError: If they contradict each other.
            TraceFileError: If a row is said to be read at no step of the run.
        """
        own = {name: array for name, array in arrays.items() if not name.startswith(_PARTS)}
        return GenerationTrace(
            model=self.model,
            prompt=self.prompt,
            options=self.options,
            tokens=self.tokens,
            n_prompt=self.n_prompt,
            steps=self._built_steps(arrays),
            stopped=self.stopped,
            vocabulary=self.vocabulary,
            environment=self.environment,
            n_timings=self.n_timings,
            n_together=self.n_together,
            conversation=self.conversation,
            special_ids=self.special_ids,
            cross=self._built_cross(arrays),
            packed=cache_arrays.packed_rows(self.cache_kind, arrays),
            **{
                name: of
                for name, of in own.items()
                if name not in (*_LIKELY, cache_arrays.LAST_READ)
            },
        )

    def _built_cross(self, arrays: Mapping[str, Array]) -> CrossAttention | None:
        if self.encoder is None:
            return None
        return CrossAttention(
            encoder=self.encoder.build(part_of(arrays, _ENCODER)), **part_of(arrays, _CROSS)
        )

    def _built_steps(self, of_run: Mapping[str, Array]) -> list[Step]:
        # Steps share views of one array: without the cache each of them names every position.
        n_encoder = 0 if self.encoder is None else len(self.encoder.tokens)
        positions = np.arange(max(self.n_rows, n_encoder), dtype=np.int64)
        dropped = (
            self._dropped(of_run[cache_arrays.LAST_READ])
            if cache_arrays.LAST_READ in of_run
            else None
        )
        has_window = bool(self.model.windows) and self.options.use_cache
        steps: list[Step] = []
        for number, facts in enumerate(self.steps):
            arrays: dict[str, Any] = {
                name: positions[slice(*facts[name])]
                for name in (*POSITIONS, *_CROSS_POSITIONS)
                if name in facts
            }
            arrays |= {name: of_run[name][number] for name in _LIKELY}
            if dropped is not None:
                arrays["evicted"] = dropped[number]
                # Before the first step there are the rows that another run has written.
                n_before = self.n_prompt + number - 1 if number else self.options.n_shared
                arrays["reused"] = readable(of_run[cache_arrays.LAST_READ], number, n_before)
            elif has_window:
                # What falls out of a window is told by the card, and the trace holds to that law.
                arrays["evicted"] = fallen_rows(self.model, self.n_prompt, number)
            kind = "decode" if number else "prefill"
            steps.append(Step(index=number, kind=kind, **facts | arrays))
        return steps

    def _dropped(self, last: Array) -> list[Array]:
        n_steps = len(self.steps)
        if last.min() < 0 or last.max() > n_steps:
            raise damaged(
                _("It reads rows at other steps than 0 to {last}.").format(last=n_steps - 1)
            )
        return evictions(last, n_steps)


def kind_of(trace: GenerationTrace) -> str:
    """Return the kind of file that a run is saved as."""
    if trace.options.cache is not None:
        return cache_arrays.kind_of(trace)
    return "generation" if trace.cross is None else "encoder-decoder"


def arrays_of(trace: GenerationTrace) -> dict[str, Array]:
    """Return the arrays of a run, as `Header.expected` names them."""
    arrays: dict[str, Array] = {
        "token_ids": trace.token_ids,
        "queries": trace.queries,
        "all_keys": trace.all_keys,
        "all_values": trace.all_values,
        "score_scale": trace.score_scale,
        "written_fingerprints": trace.written_fingerprints,
        "final_fingerprints": trace.final_fingerprints,
        **{name: np.stack([getattr(step, name) for step in trace.steps]) for name in _LIKELY},
    }
    if trace.options.cache is not None:
        arrays |= cache_arrays.arrays_of(trace)
    cross, bias = trace.cross, trace.position_bias
    if cross is not None and bias is not None:
        encoder = encoding_arrays_of(cross.encoder)
        arrays["position_bias"] = bias
        arrays |= {_CROSS + name: getattr(cross, name) for name in _CROSS_ARRAYS}
        arrays |= {_ENCODER + name: array for name, array in encoder.items()}
    return arrays


def header_facts(trace: GenerationTrace) -> dict[str, Any]:
    """Return everything about a run but its arrays, as `read_header` takes it."""
    facts: dict[str, Any] = {
        "model": trace.model.to_json(),
        "prompt": trace.prompt,
        "options": trace.options.to_json(),
        "tokens": trace.tokens,
        "n_prompt": trace.n_prompt,
        "n_likely": int(trace.steps[0].top_ids.size),
        "steps": [step_facts(step) for step in trace.steps],
        "stopped": trace.stopped,
        "vocabulary": {str(token_id): text for token_id, text in trace.vocabulary.items()},
        "environment": dict(trace.environment),
        "n_timings": trace.n_timings,
        "n_together": trace.n_together,
    }
    if trace.conversation:
        facts["conversation"] = str(trace.conversation)
    if trace.special_ids:
        facts["special_ids"] = sorted(trace.special_ids)
    if trace.cross is not None:
        facts["encoder"] = encoding_header_facts(trace.cross.encoder)
        for one, step in zip(facts["steps"], trace.steps, strict=True):
            one |= {name: ends_of(getattr(step, name)) for name in _CROSS_POSITIONS}
    if trace.options.cache is not None:
        for one in facts["steps"]:
            del one["reused"]  # the rows that were dropped tell them, which need not be neighbours
    return facts


def read_header(facts: dict[str, Any], *, kind: str = "generation") -> Header:
    """Read the facts of a generation, which may come from anywhere.

    Args:
        facts: What the header says.
        kind: What kind of generation it is, as `kind_of` names it.

    Raises:
        TraceFileError: If a field is missing, is one too many, of the wrong type or too large.
    """
    has_encoder = kind.startswith("encoder-decoder")
    facts = _LATER_FIELDS | facts
    fields.require_names(facts, {*_FIELDS, *_LATER_FIELDS, *(["encoder"] if has_encoder else [])})
    encoder = None
    if has_encoder:
        if not isinstance(facts["encoder"], dict):
            raise damaged(_("Its header says nothing of the encoder."))
        encoder = read_encoding_header(cast("dict[str, Any]", facts["encoder"]))
    own = {name: of for name, of in facts.items() if name not in (*_TEXTS, "encoder")}
    fields.require_plain(own)
    return _typed(facts, encoder, kind)


def _typed(facts: dict[str, Any], encoder: EncodingHeader | None, kind: str) -> Header:
    prompt, tokens = fields.prompt(facts, "prompt"), fields.tokens(facts)
    for name in ("n_prompt", "n_likely", "n_timings", "n_together"):
        fields.count(facts, name, at_least=1)
    n_steps = len(fields.items(facts, "steps", dict))
    if not tokens or facts["n_prompt"] + n_steps != len(tokens):
        raise damaged(
            _("Its header has {prompt}, {steps} and {tokens}.").format(
                prompt=ngettext("{n} prompt token", "{n} prompt tokens", facts["n_prompt"]).format(
                    n=facts["n_prompt"]
                ),
                steps=ngettext("{n} step", "{n} steps", n_steps).format(n=n_steps),
                tokens=ngettext("{n} token", "{n} tokens", len(tokens)).format(n=len(tokens)),
            )
        )
    has_named_cache = kind.endswith("named-cache")
    told = POSITIONS[:2] if has_named_cache else POSITIONS
    ends: dict[str, int] = {name: len(tokens) - 1 for name in told}
    if encoder is not None:
        ends |= {name: len(encoder.tokens) for name in _CROSS_POSITIONS}
    steps = [typed_step(step, n, ends) for n, step in enumerate(facts["steps"])]
    vocabulary = fields.vocabulary(facts)
    said = fields.prompt(facts, "conversation")
    try:
        model = ModelCard.from_json(facts["model"])
        options = GenerationOptions.from_json(facts["options"])
        conversation = Conversation.from_json(said) if said else NO_CONVERSATION
    except KvvizError as error:
        raise damaged(str(error)) from error
    if (options.cache is not None) != has_named_cache:
        raise damaged(
            _("Its cache is {cache!r}, in a file of the kind {kind}.").format(
                cache=options.cache_name, kind=kind
            )
        )
    return Header(
        model=model,
        options=options,
        prompt=prompt,
        tokens=tokens,
        n_prompt=facts["n_prompt"],
        n_likely=facts["n_likely"],
        steps=steps,
        stopped=facts["stopped"],
        vocabulary=vocabulary,
        environment=fields.texts(facts, "environment"),
        n_timings=facts["n_timings"],
        n_together=facts["n_together"],
        conversation=conversation,
        special_ids=frozenset(fields.items(facts, "special_ids", int)),
        encoder=encoder,
        cache_kind=cache_arrays.kind_in(kind),
    )
