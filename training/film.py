"""The training film: at some two dozen points, the loss and what the model would say."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from jaxtyping import Int64
from tokenizers import Tokenizer
from torch import Tensor
from transformers import GPT2LMHeadModel

N_POINTS = 24
FIRST_POINT = 0.001
N_TOP = 5
N_CONTINUED = 20

PROMPTS = (
    "Once upon a",
    "The little girl opened the",
    "The king and the",
    "Tom put on his hat and his",
    '"I am so hungry," said the',
    "The cat saw the dog. The dog saw the",
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
    model: GPT2LMHeadModel, tokenizer: Tokenizer, heldout: Int64[Tensor, "row position_plus_1"]
) -> dict[str, object]:
    """Returns one point: held-out loss, and for each prompt the likeliest next tokens.

    Args:
        model: Is not changed.
        tokenizer: Of the model.
        heldout: A few rows that are never trained on.
    """
    logits = model(heldout[:, :-1]).logits
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), heldout[:, 1:].flatten())
    return {
        "heldout_nats_per_token": round(float(loss), 4),
        "predictions": [_predict(model, tokenizer, prompt) for prompt in PROMPTS],
    }


def append_line(path: Path, record: dict[str, object]) -> None:
    """Adds one record to a file of JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _predict(model: GPT2LMHeadModel, tokenizer: Tokenizer, prompt: str) -> dict[str, object]:
    ids = torch.tensor([tokenizer.encode(prompt, add_special_tokens=False).ids])
    first = model(ids).logits[0, -1].softmax(-1)
    probs, top = first.topk(N_TOP)
    continued = ids
    for _ in range(N_CONTINUED):
        likeliest = model(continued).logits[0, -1].argmax()
        continued = torch.cat([continued, likeliest.view(1, 1)], dim=1)
    return {
        "prompt": prompt,
        "top": [
            {
                "token": tokenizer.decode([int(i)], skip_special_tokens=False),
                "p": round(float(p), 4),
            }
            for i, p in zip(top, probs, strict=True)
        ],
        "greedy": tokenizer.decode(continued[0, ids.shape[1] :].tolist()),
    }
