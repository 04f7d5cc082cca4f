"""The training film: at some two dozen points, the loss and what the model would say.

All are asked about the same words. GPT-2 and Llama see what stands before the word, BERT what
stands on both sides, T5 likewise with a sentinel for the word.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import PreTrainedModel

from training.batches import Rows
from training.models import IDS
from training.objectives import objective_for, to_tensors
from training.tokenizer import CLS, END_OF_TEXT, MASK, PAD, SENTINELS, SEP

N_POINTS = 24
FIRST_POINT = 0.001
N_TOP = 5
N_CONTINUED = 20


@dataclass(frozen=True)
class Gap:
    """A sentence with a word taken out.

    Attributes:
        before: Text before the word.
        word: The word, with the space before it.
        after: Text after it.
    """

    before: str
    word: str
    after: str


GAPS = (
    Gap("Once upon a", " time", ", there was a little girl."),
    Gap("The little girl opened the", " door", " and went into the house."),
    Gap("The king and the", " queen", " lived in a castle."),
    Gap("Tom put on his hat and his", " coat", " and went out into the snow."),
    Gap('"I am so hungry," said the', " bear", ", and he looked for some honey."),
    Gap("The cat saw the dog. The dog saw the", " cat", ". The cat ran away."),
)


def points_due(progress: float) -> int:
    """Returns how many points of the film have been reached at a share of the budget.

    Point 0 is the untrained model, the last one the finished model; between them the points are
    spread evenly on a log scale, because a model changes most at the start.
    """
    exponents = (1 - i / (N_POINTS - 2) for i in range(N_POINTS - 1))
    return 1 + sum(progress >= FIRST_POINT**exponent for exponent in exponents)


@torch.no_grad()
def take_point(
    model: PreTrainedModel, family: str, tokenizer: Tokenizer, heldout: Rows
) -> dict[str, object]:
    """Returns one point: held-out loss, and for each gap the likeliest tokens.

    Args:
        model: Is not changed.
        family: "gpt2", "llama", "bert" or "t5".
        tokenizer: Of the model.
        heldout: A few rows that are never trained on; what is hidden in them is always the same.
    """
    objective = objective_for(family, model.config.vocab_size)
    arrays = objective.inputs(heldout, np.random.default_rng(0))
    loss = objective.loss(model, *to_tensors(arrays, model.device))
    return {
        "heldout_nats_per_token": round(float(loss), 4),
        "predictions": predictions(model, family, tokenizer),
    }


@torch.no_grad()
def predictions(model: Any, family: str, tokenizer: Tokenizer) -> list[dict[str, object]]:
    """Returns for each gap what was asked and the likeliest tokens with their probabilities.

    GPT-2 and Llama also go on and T5 also fills the gap greedily.

    Args:
        model: A model of the family, in evaluation.
        family: "gpt2", "llama", "bert" or "t5".
        tokenizer: Of the model.
    """
    predict = {"gpt2": _continue, "llama": _begin, "bert": _unmask, "t5": _fill}[family]
    return [predict(model, tokenizer, gap) for gap in GAPS]


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Adds one record to a file of JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _begin(model: Any, tokenizer: Tokenizer, gap: Gap) -> dict[str, object]:
    return _continue(model, tokenizer, gap, (IDS[END_OF_TEXT],))


def _continue(
    model: Any, tokenizer: Tokenizer, gap: Gap, first: tuple[int, ...] = ()
) -> dict[str, object]:
    ids = [*first, *_ids(tokenizer, gap.before)]
    greedy = list(ids)
    logits = model(_row(model, ids)).logits[0, -1]
    for _ in range(N_CONTINUED):
        greedy.append(int(model(_row(model, greedy)).logits[0, -1].argmax()))
    return {
        "prompt": gap.before,
        "top": _top(logits, tokenizer),
        "greedy": tokenizer.decode(greedy[len(ids) :]),
    }


def _unmask(model: Any, tokenizer: Tokenizer, gap: Gap) -> dict[str, object]:
    before, after = _ids(tokenizer, gap.before), _ids(tokenizer, gap.after)
    ids = [IDS[CLS], *before, IDS[MASK], *after, IDS[SEP]]
    logits = model(_row(model, ids)).logits[0, len(before) + 1]
    return {"prompt": f"{gap.before} {MASK}{gap.after}", "top": _top(logits, tokenizer)}


def _fill(model: Any, tokenizer: Tokenizer, gap: Gap) -> dict[str, object]:
    sentinel = IDS[SENTINELS[0]]
    ids = [*_ids(tokenizer, gap.before), sentinel, *_ids(tokenizer, gap.after), IDS[END_OF_TEXT]]
    source, said = _row(model, ids), [IDS[PAD], sentinel]
    logits = model(input_ids=source, decoder_input_ids=_row(model, said)).logits[0, -1]
    for _ in range(N_CONTINUED):
        step = model(input_ids=source, decoder_input_ids=_row(model, said)).logits[0, -1]
        said.append(int(step.argmax()))
        if said[-1] in (IDS[END_OF_TEXT], IDS[SENTINELS[1]]):
            break
    return {
        "prompt": f"{gap.before} {SENTINELS[0]}{gap.after}",
        "top": _top(logits, tokenizer),
        "greedy": tokenizer.decode(said),
    }


def _ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False).ids


def _row(model: Any, ids: list[int]) -> Tensor:
    return torch.tensor([ids], device=model.device)


def _top(logits: Tensor, tokenizer: Tokenizer) -> list[dict[str, object]]:
    probs, top = logits.float().softmax(-1).topk(N_TOP)
    return [
        {"token": tokenizer.decode([int(i)], skip_special_tokens=False), "p": round(float(p), 4)}
        for i, p in zip(top, probs, strict=True)
    ]
