"""BERT on held-out text: how often the likeliest token at a [MASK] is the one that was there."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
from jaxtyping import Int64

from training.evaluation.subject import Subject, Texts
from training.models import IDS
from training.objectives import MASKED_SHARE
from training.tokenizer import CLS, END_OF_TEXT, MASK, SEP

N_TEXT = 254
ROWS_AT_ONCE = 16


@dataclass(frozen=True)
class MaskedTokenFigures:
    """Accuracy at masked places.

    Attributes:
        n_asked: Masked places.
        accuracy: Share of them where the model's likeliest token is right.
        nats: Mean loss at them, nats per token.
        twin_accuracy: The same share for the GPT-2 twin, which sees the unmasked text to the left
            and nothing to the right; None where no twin was given.
        twin_nats: Its loss at the same places.
        unigram_accuracy: Share of the single most frequent token of the training text.
    """

    n_asked: int
    accuracy: float
    nats: float
    twin_accuracy: float | None
    twin_nats: float | None
    unigram_accuracy: float

    def record(self) -> dict[str, object]:
        """Returns the figures as they are written to JSON."""
        return asdict(self)

    def sections(self, name: str) -> str:
        """Returns the sections of the card that tell the figures."""
        rows = [
            f"| always the most frequent token | {self.unigram_accuracy:.1%} | |",
            f"| **kvviz/{name}**, sees both sides | **{self.accuracy:.1%}** | {self.nats:.3f} |",
        ]
        if self.twin_accuracy is not None:
            rows.insert(
                1,
                f"| the GPT-2 twin, sees the left side | {self.twin_accuracy:.1%} | "
                f"{self.twin_nats:.3f} |",
            )
        table = "\n".join(rows)
        return f"""\
## Held-out figures

{self.n_asked:,} tokens, 15 % of the held-out text, each shown as [MASK], in windows of {N_TEXT} \
tokens.

| model | likeliest token is right | loss, nats per token |
|---|---|---|
{table}
"""


@torch.no_grad()
def unmask(
    subject: Subject, texts: Texts, twin: Subject | None, seed: int = 0
) -> MaskedTokenFigures:
    """Measures a BERT.

    Args:
        subject: The BERT.
        texts: Held-out text, and training text for the baseline.
        twin: A GPT-2 of the same vocabulary, asked about the same places.
        seed: Decides which places are masked.
    """
    tokens = texts.heldout.tokens[1:]
    rows = tokens[: len(tokens) // N_TEXT * N_TEXT].reshape(-1, N_TEXT)
    n_asked = round(MASKED_SHARE * N_TEXT)
    order = np.random.default_rng(seed).random(rows.shape).argsort(axis=1)
    asked = np.sort(order[:, :n_asked], axis=1)
    targets = np.take_along_axis(rows, asked, axis=1)
    shown = rows.copy()
    np.put_along_axis(shown, asked, IDS[MASK], axis=1)
    # A token before and one behind: place i of the text is place i + 1 of the input.
    answers = _answers(subject, _wrap(shown, IDS[CLS], IDS[SEP]), asked + 1, targets)
    twin_answers = None
    if twin is not None:
        # GPT-2 predicts place i + 1 of its input at place i.
        twin_answers = _answers(twin, _wrap(rows, IDS[END_OF_TEXT], None), asked, targets)
    frequent = int(np.bincount(texts.training).argmax())
    return MaskedTokenFigures(
        n_asked=targets.size,
        accuracy=answers[0],
        nats=answers[1],
        twin_accuracy=twin_answers[0] if twin_answers else None,
        twin_nats=twin_answers[1] if twin_answers else None,
        unigram_accuracy=float(np.mean(targets == frequent)),
    )


def _wrap(
    rows: Int64[np.ndarray, "row position"], first: int, last: int | None
) -> Int64[np.ndarray, "row longer"]:
    columns = [np.full((len(rows), 1), first), rows]
    if last is not None:
        columns.append(np.full((len(rows), 1), last))
    return np.concatenate(columns, axis=1)


def _answers(
    subject: Subject,
    inputs: Int64[np.ndarray, "row position"],
    places: Int64[np.ndarray, "row asked"],
    targets: Int64[np.ndarray, "row asked"],
) -> tuple[float, float]:
    right, nats = 0, 0.0
    for start in range(0, len(inputs), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        logits = subject.model(torch.from_numpy(inputs[part])).logits
        index = torch.from_numpy(places[part])[..., None].expand(-1, -1, logits.shape[-1])
        log_probs = logits.gather(1, index).log_softmax(-1)
        wanted = torch.from_numpy(targets[part])
        right += int((log_probs.argmax(-1) == wanted).sum())
        nats -= float(log_probs.gather(2, wanted[..., None]).sum())
    return right / targets.size, nats / targets.size
