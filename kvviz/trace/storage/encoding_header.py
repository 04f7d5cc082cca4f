"""What the header of a trace file says of an encoding: all but its large arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from kvviz.errors import KvvizError
from kvviz.trace.encoding import EncodingTrace, Mask
from kvviz.trace.model_card import ModelCard
from kvviz.trace.storage import header_fields as fields
from kvviz.trace.storage.header_fields import damaged
from kvviz.trace.storage.header_json import Array, Expected

_ARRAYS = (
    "token_ids",
    "original_ids",
    "spans",
    "special",
    "queries",
    "all_keys",
    "all_values",
    "score_scale",
    "hidden_states",
    "top_ids",
    "top_probs",
    "label_ids",
    "label_logprobs",
)
_FIELDS = {
    "model",
    "text",
    "mask",
    "tokens",
    "hidden_positions",
    "n_likely",
    "has_position_bias",
    "vocabulary",
    "seconds",
    "flops",
    "environment",
}


@dataclass(frozen=True)
class EncodingHeader:
    """A header whose fields are all there and of the right type.

    Attributes:
        model: The model's card.
        n_likely: How many likely tokens each position names, 0 where the model has no head.
        has_position_bias: Whether the file holds one.
        text: The text as it was given.
        mask: Which mask was used.
        tokens: Texts of the tokens that were fed.
        hidden_positions: Positions whose token was hidden.
        vocabulary: Texts of the tokens that occur.
        seconds: Time of the pass.
        flops: Operations of the pass.
        environment: Versions and machine.
    """

    model: ModelCard
    n_likely: int
    has_position_bias: bool
    text: str
    mask: Mask
    tokens: list[str]
    hidden_positions: tuple[int, ...]
    vocabulary: dict[int, str]
    seconds: float
    flops: int
    environment: dict[str, str]

    @property
    def expected(self) -> Expected:
        """Dtype and shape of each array that a file with this header holds."""
        card, n = self.model, len(self.tokens)
        rows = (card.n_layers, card.n_kv_heads, n, card.d_head)
        expected: Expected = {
            "token_ids": ("<i8", (n,)),
            "original_ids": ("<i8", (n,)),
            "spans": ("<i8", (n, 2)),
            "special": ("|b1", (n,)),
            "queries": ("<f4", (card.n_layers, card.n_heads, n, card.d_head)),
            "all_keys": ("<f4", rows),
            "all_values": ("<f4", rows),
            "score_scale": ("<f4", (card.n_layers,)),
            "hidden_states": ("<f4", (card.n_layers + 1, n, card.d_model)),
            "top_ids": ("<i8", (n, self.n_likely)),
            "top_probs": ("<f4", (n, self.n_likely)),
            "label_ids": ("<i8", (n,)),
            "label_logprobs": ("<f4", (n,)),
        }
        if self.has_position_bias:
            expected["position_bias"] = ("<f4", (card.n_heads, n, n))
        return expected

    def build(self, arrays: Mapping[str, Array]) -> EncodingTrace:
        """Build the trace from this header and the arrays of its file.

        Raises:
            TraceError: If they contradict each other.
        """
        return EncodingTrace(
            model=self.model,
            text=self.text,
            mask=self.mask,
            tokens=self.tokens,
            hidden_positions=self.hidden_positions,
            vocabulary=self.vocabulary,
            seconds=self.seconds,
            flops=self.flops,
            environment=self.environment,
            **arrays,
        )


def arrays_of(trace: EncodingTrace) -> dict[str, Array]:
    """Return the arrays of an encoding, as `EncodingHeader.expected` names them."""
    arrays: dict[str, Array] = {name: getattr(trace, name) for name in _ARRAYS}
    if trace.position_bias is not None:
        arrays["position_bias"] = trace.position_bias
    return arrays


def header_facts(trace: EncodingTrace) -> dict[str, Any]:
    """Return everything about an encoding but its arrays, as `read_header` takes it."""
    return {
        "model": trace.model.to_json(),
        "text": trace.text,
        "mask": trace.mask,
        "tokens": trace.tokens,
        "hidden_positions": [int(place) for place in trace.hidden_positions],
        "n_likely": int(trace.top_ids.shape[1]),
        "has_position_bias": trace.position_bias is not None,
        "vocabulary": {str(token_id): text for token_id, text in trace.vocabulary.items()},
        "seconds": float(trace.seconds),
        "flops": int(trace.flops),
        "environment": dict(trace.environment),
    }


def read_header(facts: dict[str, Any]) -> EncodingHeader:
    """Read the facts of an encoding, which may come from anywhere.

    Raises:
        TraceFileError: If a field is missing, is one too many, of the wrong type or too large.
    """
    fields.require_names(facts, _FIELDS)
    fields.require_plain({name: value for name, value in facts.items() if name != "text"})
    try:
        model = ModelCard.from_json(facts["model"])
    except KvvizError as error:
        raise damaged(str(error)) from error
    return EncodingHeader(
        model=model,
        n_likely=fields.count(facts, "n_likely", at_least=0),
        has_position_bias=fields.of_type(facts, "has_position_bias", bool),
        text=fields.prompt(facts, "text"),
        mask=fields.one_of(facts, "mask", get_args(Mask)),
        tokens=fields.tokens(facts),
        hidden_positions=tuple(fields.items(facts, "hidden_positions", int)),
        vocabulary=fields.vocabulary(facts),
        seconds=fields.of_type(facts, "seconds", float),
        flops=fields.count(facts, "flops", at_least=0),
        environment=fields.texts(facts, "environment"),
    )
