"""A run in which tokens were guessed, tried together in one pass, and taken back where wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64

from kvviz.errors import TraceError, TraceFileError
from kvviz.trace.arrays import checked_array
from kvviz.trace.cut_characters import with_characters
from kvviz.trace.model_card import ModelCard
from kvviz.translation import gettext as _


@dataclass(frozen=True, eq=False)
class SpeculativePass:
    """What happened in one pass, which tries the tokens that were guessed before it.

    Attributes:
        fed: Positions that went through the network, ascending; a row of each was computed.
        reused: Positions whose rows were read from the cache, ascending.
        proposed_ids: The tokens that were guessed; they stood at the last positions that were fed.
        taken_back: Positions whose rows were dropped after the pass, since another token stands
            there: those of guesses from the first wrong one on.
        chosen_id: The token that the model itself names after the last guess that was right.
        seconds: Measured time of the pass and of the choice, device synchronised.
        guess_seconds: Measured time of guessing.
        flops: Counted floating-point operations of the pass; those of a model that guesses are in
            `guess_flops`.
        guess_flops: Of guessing.
        cache_bytes: Measured bytes of the K/V tensors after the pass, rows taken back left out.

    Raises:
        TraceError: If they contradict each other.
    """

    fed: Int64[np.ndarray, " n_fed"]
    reused: Int64[np.ndarray, " n_reused"]
    proposed_ids: Int64[np.ndarray, " n_proposed"]
    taken_back: Int64[np.ndarray, " n_taken"]
    chosen_id: int
    seconds: float
    guess_seconds: float
    flops: int
    guess_flops: int
    cache_bytes: int

    def __post_init__(self) -> None:
        for name in ("fed", "reused", "proposed_ids", "taken_back"):
            checked_array(getattr(self, name), name, np.int64, n_axes=1)
        n_kept, n_before = self.fed.size - self.taken_back.size, self.reused.size
        if not (
            n_kept >= 1
            and self.taken_back.size <= self.proposed_ids.size < self.fed.size
            and self.fed.tolist() == list(range(n_before, n_before + self.fed.size))
            and self.reused.tolist() == list(range(n_before))
            and np.array_equal(self.taken_back, self.fed[n_kept:])
        ):
            raise TraceError(
                _("A pass feeds the positions behind those kept, and takes back the last of them."),
                found=_("It reads {n}, feeds {fed} and takes back {taken}.").format(
                    n=self.reused.size, fed=self.fed.tolist(), taken=self.taken_back.tolist()
                )[:200],
            )

    @property
    def n_accepted(self) -> int:
        """Guesses that were right, the tokens before them included."""
        return int(self.proposed_ids.size - self.taken_back.size)


@dataclass(frozen=True, eq=False)
class SpeculativeTrace:
    """The frozen record of a run in which tokens were guessed, checked when it is built.

    Attributes:
        model: The model whose text it is.
        draft: What guessed: ``lookup``, or the name of a smaller model.
        n_draft: Most tokens that were guessed before a pass.
        prompt: The text to go on from.
        token_ids: Prompt and generated tokens.
        tokens: The same as the tokenizer shows them.
        n_prompt: How many of them are the prompt.
        passes: The passes; the first reads the prompt.
        written_fingerprints: Of keys and values of each row that stayed, taken when it was written.
        final_fingerprints: The same after the last pass.
        vocabulary: Texts of all tokens that were guessed or chosen.

    Raises:
        TraceError: If passes and tokens contradict each other.
    """

    model: ModelCard
    draft: str
    n_draft: int
    prompt: str
    token_ids: Int64[np.ndarray, " n_tokens"]
    tokens: Sequence[str]
    n_prompt: int
    passes: Sequence[SpeculativePass]
    written_fingerprints: Int64[np.ndarray, "2 layer position"]
    final_fingerprints: Int64[np.ndarray, "2 layer position"]
    vocabulary: Mapping[int, str] = field(default_factory=dict[int, str])

    def __post_init__(self) -> None:
        checked_array(self.token_ids, "token_ids", np.int64, n_axes=1)
        object.__setattr__(self, "tokens", list(self.tokens))
        object.__setattr__(self, "passes", tuple(self.passes))
        told, n_rows = self.token_ids[: self.n_prompt].tolist(), 0
        for number, one in enumerate(self.passes):
            if one.reused.size != n_rows:
                raise TraceError(
                    _("A pass reads the rows that the one before it left, and no other."),
                    found=_("Pass {number} reads {n} of {n_rows}.").format(
                        number=number, n=one.reused.size, n_rows=n_rows
                    ),
                )
            told += [*one.proposed_ids[: one.n_accepted].tolist(), one.chosen_id]
            n_rows += one.fed.size - one.taken_back.size
        if told != self.token_ids.tolist() or len(self.tokens) != len(told):
            raise TraceError(
                _("The text is the prompt, and of each pass what was right and the model's choice.")
            )

    @property
    def n_new(self) -> int:
        """Tokens that were generated."""
        return int(self.token_ids.size - self.n_prompt)

    @property
    def n_proposed(self) -> int:
        """Tokens that were guessed."""
        return sum(one.proposed_ids.size for one in self.passes)

    @property
    def n_accepted(self) -> int:
        """Guesses that were right."""
        return sum(one.n_accepted for one in self.passes)

    @property
    def n_taken_back(self) -> int:
        """Rows that were computed and dropped."""
        return sum(one.taken_back.size for one in self.passes)

    @property
    def tokens_a_pass(self) -> float:
        """Tokens that a pass gave, the one that reads the prompt among them."""
        return self.n_new / len(self.passes)

    @property
    def seconds(self) -> float:
        """Measured time of all passes and all guessing."""
        return sum(one.seconds + one.guess_seconds for one in self.passes)

    @property
    def reuse_is_proven(self) -> bool:
        """Whether every row that stayed has, at the end, the bits with which it was written."""
        return np.array_equal(self.written_fingerprints, self.final_fingerprints)

    def save(self, path: object) -> None:
        """Say that there is no file of such a run.

        Raises:
            TraceFileError: Always.
        """
        raise TraceFileError(
            _("A run that guesses cannot be saved yet."),
            fix=_(
                "Save the run of the same prompt that trace_generation makes: its text is the same."
            ),
        )

    def tokens_at(self, number: int) -> tuple[str, ...]:
        """Return the token of each position that had a row at a pass, guessed ones among them.

        Args:
            number: Of the pass.
        """
        one = self.passes[number]
        n_known = one.fed.size - one.proposed_ids.size + one.reused.size
        guessed = [self.vocabulary[token_id] for token_id in one.proposed_ids.tolist()]
        return with_characters([*self.tokens[:n_known], *guessed])
