"""The figures of the cards, measured by one command on the files that ship."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from training.errors import RecipeError
from training.evaluation.blanks import fill_blanks
from training.evaluation.masked_token import unmask
from training.evaluation.next_token import predict_next
from training.evaluation.subject import Subject, Texts


class Figures(Protocol):
    """What was measured."""

    def record(self) -> dict[str, object]:
        """Returns the figures as they are written to JSON."""
        ...

    def sections(self, name: str) -> str:
        """Returns the sections of the card that tell them, as Markdown."""
        ...


def evaluate(folder: Path, corpus: Path, twin: Path | None = None) -> Figures:
    """Measures a model that lies in a folder.

    Args:
        folder: A GPT-2, Llama, BERT or T5 with tokenizer, as `export` writes it.
        corpus: Its training files feed the baselines, its held-out file is scored.
        twin: For a BERT or a Llama, the folder of the GPT-2 that is asked about the same words.

    Raises:
        CheckpointError: The folder holds no model.
        CorpusError: The corpus is missing or not the one described.
        RecipeError: The twin is no GPT-2 of the same vocabulary.
    """
    subject = Subject.load(folder)
    texts = Texts(corpus, subject.tokenizer)
    if subject.family == "t5":
        return fill_blanks(subject, texts)
    beside = _twin(subject, twin) if twin else None
    if subject.family == "bert":
        return unmask(subject, texts, beside)
    return predict_next(subject, texts, beside)


def _twin(subject: Subject, folder: Path) -> Subject:
    twin = Subject.load(folder)
    same = twin.tokenizer.get_vocab() == subject.tokenizer.get_vocab()
    if twin.family != "gpt2" or not same:
        raise RecipeError(
            "The twin cannot be compared with this model.",
            found=f"{folder} holds a {twin.family} with "
            f"{'the same' if same else 'another'} vocabulary.",
            fix="Give a GPT-2 trained with the same tokenizer.",
        )
    return twin
