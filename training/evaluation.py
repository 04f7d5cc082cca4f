"""Everything that the card of a model states, measured in one go on the files that ship."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from training.corpus import HELDOUT_FILE, read_corpus
from training.errors import CheckpointError
from training.heads import head_scores
from training.heldout import HeldoutText, model_nats, nats_by_position
from training.ngrams import KneserNey, unigram_nats
from training.packing import pack, upsample

SHORT_CTX = 256
SAMPLE_PROMPTS = (
    "Once upon a time",
    "The little fox",
    "One morning Anna",
    '"Where are you going?"',
)
SAMPLE_TOKENS = 90
TEMPERATURE = 0.8


@dataclass(frozen=True)
class Evaluation:
    """Held-out figures of a causal model.

    Attributes:
        n_tokens: Held-out tokens that were scored.
        n_characters: Characters of the held-out documents.
        bits_per_character: Windows of the whole context.
        bits_per_character_short: Windows of 256 tokens.
        unigram: Bits per character of single-token frequencies.
        five_gram: Bits per character of an interpolated 5-gram.
        nats_by_position: Mean loss in nats per token by place in a window of the whole context.
        heads: Score name to a table of layers and heads, each a mean share of attention.
        samples: Texts drawn at temperature 0.8, prompt included.
    """

    n_tokens: int
    n_characters: int
    bits_per_character: float
    bits_per_character_short: float
    unigram: float
    five_gram: float
    nats_by_position: dict[str, float]
    heads: dict[str, list[list[float]]]
    samples: list[str]

    def record(self) -> dict[str, object]:
        """Returns the figures as they are written to JSON."""
        return asdict(self)


def evaluate(folder: Path, corpus_folder: Path) -> Evaluation:
    """Measures a model that lies in a folder.

    Args:
        folder: A GPT-2 with tokenizer, as `export` writes it.
        corpus_folder: Its training files feed the baselines, its held-out file the scores.

    Raises:
        CheckpointError: The folder holds no model.
        CorpusError: The corpus is missing or not the one described.
    """
    if not (folder / "config.json").exists():
        raise CheckpointError(
            "There is no model in the folder.",
            found=f"{folder} has no config.json.",
            fix="Give a folder that `python -m training export` has written.",
        )
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", local_files_only=True
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True).backend_tokenizer
    text = HeldoutText.of(read_corpus(corpus_folder, (HELDOUT_FILE,)).documents, tokenizer)
    n_ctx, d_vocab = model.config.n_positions, model.config.vocab_size
    nats = model_nats(model, text.tokens, n_ctx)
    train = pack(upsample(read_corpus(corpus_folder).documents), tokenizer, seed=0)
    scored = text.tokens[1:]
    return Evaluation(
        n_tokens=text.n_scored,
        n_characters=text.n_characters,
        bits_per_character=text.bits_per_character(nats),
        bits_per_character_short=text.bits_per_character(model_nats(model, text.tokens, SHORT_CTX)),
        unigram=text.bits_per_character(unigram_nats(train, scored, d_vocab)),
        five_gram=text.bits_per_character(KneserNey(train, d_vocab).nats(scored, text.end)),
        nats_by_position=nats_by_position(nats, n_ctx),
        heads={
            name: np.round(scores, 4).tolist()
            for name, scores in head_scores(model, text.tokens).items()
        },
        samples=[
            _sample(model, tokenizer, prompt, seed) for seed, prompt in enumerate(SAMPLE_PROMPTS)
        ],
    )


@torch.no_grad()
def _sample(model: PreTrainedModel, tokenizer: Tokenizer, prompt: str, seed: int) -> str:
    draw = torch.Generator().manual_seed(seed)
    ids = tokenizer.encode(prompt, add_special_tokens=False).ids
    for _ in range(SAMPLE_TOKENS):
        logits = model(torch.tensor([ids])).logits[0, -1]
        chosen = torch.multinomial((logits / TEMPERATURE).softmax(-1), 1, generator=draw)
        ids.append(int(chosen))
        if ids[-1] == model.config.eos_token_id:
            break
    return tokenizer.decode(ids)


def strongest(table: list[list[float]]) -> tuple[int, int, float]:
    """Returns layer, head and score of the highest entry."""
    scores = np.array(table)
    layer, head = np.unravel_index(int(scores.argmax()), scores.shape)
    return int(layer), int(head), float(scores[layer, head])
