"""T5 on held-out text: how often it fills a blank of one token with the one that was there."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch

from training.evaluation.ngrams import KneserNey
from training.evaluation.subject import Subject, Texts
from training.models import IDS
from training.tokenizer import END_OF_TEXT, PAD, SENTINELS

N_BLANKS = 1000
N_AROUND = 64
ROWS_AT_ONCE = 50
N_GRAM = 5


@dataclass(frozen=True)
class BlankFigures:
    """Accuracy at blanks.

    Attributes:
        n_blanks: Blanks, one token each, with 64 tokens on either side.
        accuracy: Share of them where the model's likeliest first token is right.
        five_gram_accuracy: The same share for an interpolated 5-gram, which sees the left side.
    """

    n_blanks: int
    accuracy: float
    five_gram_accuracy: float

    def record(self) -> dict[str, object]:
        """Returns the figures as they are written to JSON."""
        return asdict(self)

    def sections(self, name: str) -> str:
        """Returns the sections of the card that tell the figures."""
        return f"""\
## Held-out figures

{self.n_blanks:,} blanks of one token, {N_AROUND} tokens of held-out text on either side.

| model | likeliest token is right |
|---|---|
| 5-gram, interpolated modified Kneser-Ney, sees the left side | {self.five_gram_accuracy:.1%} |
| **kvviz/{name}**, sees both sides | **{self.accuracy:.1%}** |
"""


@torch.no_grad()
def fill_blanks(
    subject: Subject, texts: Texts, n_blanks: int = N_BLANKS, seed: int = 0
) -> BlankFigures:
    """Measures a T5.

    Args:
        subject: The T5.
        texts: Held-out text, and training text for the 5-gram.
        n_blanks: How many blanks.
        seed: Decides where they are.
    """
    tokens = texts.heldout.tokens
    places = np.flatnonzero(tokens != texts.heldout.end)
    places = places[(places >= N_AROUND) & (places < len(tokens) - N_AROUND)]
    places = np.random.default_rng(seed).choice(places, n_blanks, replace=False)
    wanted = tokens[places]
    before = tokens[places[:, None] + np.arange(-N_AROUND, 0)]
    after = tokens[places[:, None] + np.arange(1, N_AROUND + 1)]
    sentinel = np.full((n_blanks, 1), IDS[SENTINELS[0]])
    end = np.full((n_blanks, 1), IDS[END_OF_TEXT])
    sources = torch.from_numpy(np.concatenate([before, sentinel, after, end], axis=1))
    said = torch.tensor([[IDS[PAD], IDS[SENTINELS[0]]]])
    guesses = [
        subject.model(input_ids=part, decoder_input_ids=said.expand(len(part), -1))
        .logits[:, -1]
        .argmax(-1)
        .numpy()
        for part in sources.split(ROWS_AT_ONCE)
    ]
    counts = KneserNey(texts.training, subject.model.config.vocab_size, N_GRAM)
    return BlankFigures(
        n_blanks=n_blanks,
        accuracy=float(np.mean(np.concatenate(guesses) == wanted)),
        five_gram_accuracy=float(np.mean(counts.likeliest(before[:, 1 - N_GRAM :]) == wanted)),
    )
