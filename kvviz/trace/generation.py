"""The record of one generation: tokens, steps, and the numbers the attention used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32, Int64

from kvviz.errors import TraceError
from kvviz.trace.model_card import ModelCard
from kvviz.trace.step import Step

Stop = Literal["length", "end-of-text", "cancelled"]


@dataclass(frozen=True)
class GenerationOptions:
    """How tokens were generated.

    Attributes:
        max_new_tokens: Most tokens to generate, at least 1.
        use_cache: Whether K/V rows were kept between steps.
        temperature: 0 for the most likely token, else the divisor of the logits.
        top_k: Keep only this many most likely tokens, or None for all.
        top_p: Keep the smallest set of tokens with this much probability, in (0, 1], or None.
        seed: Seed of the sampling.
    """

    max_new_tokens: int
    use_cache: bool = True
    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the options as a plain dictionary for a JSON header."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class GenerationTrace:
    """A frozen record of one generation, checked when it is built.

    Axis order is ``layer head position d_head``. With the cache, queries, keys and values are the
    rows as they were computed once and read ever after. Without it they are the rows of the last
    step, which computed every one of them again; `Step.max_row_change` says how far they moved.

    Attributes:
        model: The model's card.
        prompt: The text as it was typed.
        options: How tokens were generated.
        token_ids: Prompt and generated tokens.
        tokens: The same as the tokenizer shows them.
        n_prompt: How many of them are the prompt.
        steps: One record a forward pass; step 0 is the prefill.
        stopped: Why it ended: ``length`` (the number asked for), ``end-of-text``, or ``cancelled``
            (between two steps, by the caller).
        queries: Query rows of all positions that were fed.
        all_keys: Key rows likewise.
        all_values: Value rows likewise.
        score_scale: Factor on query-key products before softmax, one a layer.
        written_fingerprints: A 64-bit fingerprint of each K row ([0]) and V row ([1]) taken when
            it was written.
        final_fingerprints: The same taken from the cache after the last step. Equal numbers mean
            that the bits of the row never changed.
        environment: Versions and machine, for the record.

    Raises:
        TraceError: If shapes, positions or counts contradict each other.
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
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        card, n_rows = self.model, self.n_rows
        if not 1 <= self.n_prompt < self.n_tokens or len(self.tokens) != self.n_tokens:
            raise TraceError(
                "A trace holds a prompt, at least one new token, and a text for each.",
                found=f"It has {self.n_prompt} prompt tokens, {self.n_tokens} tokens and "
                f"{len(self.tokens)} texts.",
            )
        if len(self.steps) != self.n_tokens - self.n_prompt:
            raise TraceError(
                "Every new token comes from one step.",
                found=f"There are {self.n_tokens - self.n_prompt} and {len(self.steps)}.",
            )
        shapes = {
            "queries": (card.n_layers, card.n_heads, n_rows, card.d_head),
            "all_keys": (card.n_layers, card.n_kv_heads, n_rows, card.d_head),
            "all_values": (card.n_layers, card.n_kv_heads, n_rows, card.d_head),
            "score_scale": (card.n_layers,),
            "written_fingerprints": (2, card.n_layers, n_rows),
            "final_fingerprints": (2, card.n_layers, n_rows),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise TraceError(
                    f"{name} does not have the shape that model and tokens call for.",
                    found=f"It is {array.shape}, not {shape}.",
                )
            array.setflags(write=False)
        self.token_ids.setflags(write=False)
        self._check_steps()

    def _check_steps(self) -> None:
        """Hold each step to the law of its kind of run."""
        for number, step in enumerate(self.steps):
            n_rows = self.n_prompt + number
            first_new = 0 if number == 0 or not self.options.use_cache else n_rows - 1
            expected = np.arange(first_new, n_rows)
            if (
                step.index != number
                or not np.array_equal(step.fed, expected)
                or not np.array_equal(step.computed, expected)
                or not np.array_equal(step.reused, np.arange(first_new))
                or step.chosen_id != self.token_ids[n_rows]
            ):
                raise TraceError(
                    "A step does not do what its kind of run does.",
                    found=f"Step {number} fed {step.fed.size}, computed {step.computed.size} and "
                    f"reused {step.reused.size} rows of {n_rows}.",
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

    @property
    def reuse_is_proven(self) -> bool:
        """Whether every row has, after the last step, the very bits it was written with."""
        return bool(np.array_equal(self.written_fingerprints, self.final_fingerprints))

    def keys(self, layer: int) -> Float32[np.ndarray, "kv_head position d_head"]:
        """Return the key rows of a layer.

        Raises:
            TraceError: If the layer does not exist.
        """
        return self.all_keys[self._checked(layer, self.model.n_layers, "layer")]

    def values(self, layer: int) -> Float32[np.ndarray, "kv_head position d_head"]:
        """Return the value rows of a layer.

        Raises:
            TraceError: If the layer does not exist.
        """
        return self.all_values[self._checked(layer, self.model.n_layers, "layer")]

    def scores(self, layer: int, head: int) -> Float32[np.ndarray, "query key"]:
        """Return scaled query-key products before softmax; NaN where the mask forbids.

        Raises:
            TraceError: If layer or head does not exist.
        """
        layer = self._checked(layer, self.model.n_layers, "layer")
        head = self._checked(head, self.model.n_heads, "head")
        kv_head = head * self.model.n_kv_heads // self.model.n_heads
        scores = self.queries[layer, head] @ self.all_keys[layer, kv_head].T
        scores = scores * self.score_scale[layer]
        scores[np.triu_indices(self.n_rows, k=1)] = np.nan
        return scores

    def pattern(self, layer: int, head: int) -> Float32[np.ndarray, "query key"]:
        """Return the attention pattern of a head: what each query weighs each key with.

        Rows come from the queries and keys that the steps themselves used, put through softmax in
        float32. They sum to 1; cells above the diagonal are NaN, since the mask forbids them.

        Args:
            layer: 0 to n_layers - 1.
            head: 0 to n_heads - 1.

        Returns:
            Weights in [0, 1], shape (n_rows, n_rows), row = query, column = key.

        Raises:
            TraceError: If layer or head does not exist.

        Source: Vaswani et al. (2017), section 3.2.1.
        """
        scores = self.scores(layer, head)
        weights = np.exp(scores - np.nanmax(scores, axis=1, keepdims=True))
        return weights / np.nansum(weights, axis=1, keepdims=True)

    @staticmethod
    def _checked(index: int, count: int, name: str) -> int:
        if not 0 <= index < count:
            raise TraceError(
                f"There is no {name} {index}.", found=f"The model has {count}, from 0 on."
            )
        return int(index)
