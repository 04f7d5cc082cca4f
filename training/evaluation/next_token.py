"""GPT-2 or Llama on held-out text: bits per character, loss by position, head scores, samples."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch

from kvviz.analysis import ROLES, THRESHOLDS
from training.evaluation.heads import N_REPEATED, head_scores, probe_scores
from training.evaluation.heldout import HeldoutText, model_nats, nats_by_position
from training.evaluation.ngrams import KneserNey, unigram_nats
from training.evaluation.subject import Subject, Texts

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
class Loss:
    """What a model costs on the held-out text, in bits per character, and which model.

    Attributes:
        name: Of the folder.
        whole: Windows of the whole context.
        short: Windows of 256 tokens.
        sliding: Windows of the whole context that overlap by half.
    """

    name: str
    whole: float
    short: float
    sliding: float


@dataclass(frozen=True)
class NextTokenFigures:
    """Figures of a causal model.

    Attributes:
        n_ctx: Positions of the model.
        n_tokens: Held-out tokens that were scored.
        n_characters: Characters of the held-out documents.
        bits_per_character: Windows of the whole context.
        bits_per_character_short: Windows of 256 tokens.
        bits_per_character_sliding: Windows of the whole context that overlap by half.
        unigram: Bits per character of single-token frequencies.
        five_gram: Bits per character of an interpolated 5-gram.
        nats_by_position: Mean loss in nats per token by place in a window of the whole context.
        heads: Score name to a table of layers and heads, each a mean share of attention.
        probe: Role to a table of layers and heads, as `kvviz.analysis` measures them on its probe
            of words said twice.
        samples: Texts drawn at temperature 0.8, prompt included.
        twin: The GPT-2 that it is compared with, on the same tokens.
    """

    n_ctx: int
    n_tokens: int
    n_characters: int
    bits_per_character: float
    bits_per_character_short: float
    bits_per_character_sliding: float
    unigram: float
    five_gram: float
    nats_by_position: dict[str, float]
    heads: dict[str, list[list[float]]]
    probe: dict[str, list[list[float]]]
    samples: list[str]
    twin: Loss | None = None

    def record(self) -> dict[str, object]:
        """Returns the figures as they are written to JSON."""
        return asdict(self)

    def sections(self, name: str) -> str:
        """Returns the sections of the card that tell the figures."""
        return f"""\
## Held-out figures

{self.n_tokens:,} tokens, {self.n_characters:,} characters of books and stories that \
are not in the training files. Bits per character; lower is better. The baselines are counted on \
the same training tokens and scored on the same held-out tokens.

| model | bits per character |
|---|---|
| token frequencies (unigram) | {self.unigram:.3f} |
| 5-gram, interpolated modified Kneser-Ney | {self.five_gram:.3f} |
| kvviz/{name}, windows of 256 | {self.bits_per_character_short:.3f} |
| **kvviz/{name}, windows of {self.n_ctx:,}** | **{self.bits_per_character:.3f}** |
| kvviz/{name}, windows of {self.n_ctx:,} that overlap by half, so that no token is guessed from \
little, as the 5-gram guesses none from little | {self.bits_per_character_sliding:.3f} |
{_twin_rows(self)}
{_against_five_gram(self)}

Loss by place in a window of {self.n_ctx:,}, nats per token:

{_table(self.nats_by_position)}

## Heads

Mean share of attention; layers and heads are counted from 0 and written layer.head. By the rules \
of `kvviz.analysis`, on its probe of words said twice, a head fits a role from \
{_thresholds()} on; where it fits two, the app shows the one of the higher score.

| role | heads, with their scores |
|---|---|
{_roles(self)}

The strongest scores elsewhere: previous and first token on held-out text, induction on \
{N_REPEATED} random tokens said twice.

| score | strongest head | value |
|---|---|---|
{_heads(self)}

All scores are in `evaluation.json`; `film.jsonl` holds the training film.

## Samples

Temperature {TEMPERATURE}, one draw for each prompt, none chosen.

{_samples(self)}
"""


def predict_next(subject: Subject, texts: Texts, twin: Subject | None = None) -> NextTokenFigures:
    """Measures a GPT-2 or a Llama.

    Args:
        subject: The model.
        texts: Held-out text, and training text for the baselines.
        twin: A GPT-2 whose loss stands beside it, on the same tokens and windows.
    """
    model, text, train = subject.model, texts.heldout, texts.training
    # A GPT-2's config answers to this name too.
    n_ctx, d_vocab = model.config.max_position_embeddings, model.config.vocab_size
    nats = model_nats(model, text.tokens, n_ctx, start=subject.start)
    short = model_nats(model, text.tokens, SHORT_CTX, start=subject.start)
    sliding = model_nats(model, text.tokens, n_ctx, stride=n_ctx // 2, start=subject.start)
    scored = text.tokens[1:]
    scores = head_scores(model, text.tokens, start=subject.start)
    return NextTokenFigures(
        n_ctx=n_ctx,
        n_tokens=text.n_scored,
        n_characters=text.n_characters,
        bits_per_character=text.bits_per_character(nats),
        bits_per_character_short=text.bits_per_character(short),
        bits_per_character_sliding=text.bits_per_character(sliding),
        unigram=text.bits_per_character(unigram_nats(train, scored, d_vocab)),
        five_gram=text.bits_per_character(KneserNey(train, d_vocab).nats(scored, text.end)),
        nats_by_position=nats_by_position(nats, n_ctx),
        heads={name: np.round(table, 4).tolist() for name, table in scores.items()},
        probe={
            role: np.round(table, 4).tolist()
            for role, table in probe_scores(subject.folder).items()
        },
        samples=[_sample(subject, prompt, seed) for seed, prompt in enumerate(SAMPLE_PROMPTS)],
        twin=None if twin is None else _loss(twin, text, n_ctx),
    )


def _loss(twin: Subject, text: HeldoutText, n_ctx: int) -> Loss:
    whole, short, sliding = (
        text.bits_per_character(model_nats(twin.model, text.tokens, n, stride, twin.start))
        for n, stride in ((n_ctx, None), (SHORT_CTX, None), (n_ctx, n_ctx // 2))
    )
    return Loss(twin.folder.name, whole, short, sliding)


@torch.no_grad()
def _sample(subject: Subject, prompt: str, seed: int) -> str:
    model, tokenizer = subject.model, subject.tokenizer
    draw = torch.Generator().manual_seed(seed)
    first = [] if subject.start is None else [subject.start]
    ids = [*first, *tokenizer.encode(prompt, add_special_tokens=False).ids]
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


def _twin_rows(figures: NextTokenFigures) -> str:
    if figures.twin is None:
        return ""
    twin, n_ctx = figures.twin, figures.n_ctx
    return f"""\
| kvviz/{twin.name}, windows of 256 | {twin.short:.3f} |
| kvviz/{twin.name}, windows of {n_ctx:,} | {twin.whole:.3f} |
| kvviz/{twin.name}, windows of {n_ctx:,} that overlap by half | {twin.sliding:.3f} |
"""


def _against_five_gram(figures: NextTokenFigures) -> str:
    apart, sliding = (
        f"{abs(gain):.1%} {'below' if gain >= 0 else 'above'}"
        for gain in (
            1 - figures.bits_per_character / figures.five_gram,
            1 - figures.bits_per_character_sliding / figures.five_gram,
        )
    )
    return f"That is {apart} the 5-gram, and {sliding} it with windows that overlap."


def _table(values: dict[str, float]) -> str:
    heads = " | ".join(values)
    rule = "---|" * len(values)
    cells = " | ".join(f"{value:.3f}" for value in values.values())
    return f"| {heads} |\n|{rule}\n| {cells} |"


def _heads(figures: NextTokenFigures) -> str:
    rows = []
    for name, table in figures.heads.items():
        layer, head, score = strongest(table)
        rows.append(f"| {name.replace('_', ' ')} | layer {layer}, head {head} | {score:.2f} |")
    return "\n".join(rows)


def _thresholds() -> str:
    return ", ".join(f"{value:g} ({role})" for role, value in THRESHOLDS.items())


def _roles(figures: NextTokenFigures) -> str:
    rows = []
    for role in ROLES:
        heads = [
            f"{layer}.{head} ({score:.2f})"
            for layer, scores in enumerate(figures.probe.get(role, []))
            for head, score in enumerate(scores)
            if score >= THRESHOLDS[role]
        ]
        rows.append(f"| {role} | {', '.join(heads) or 'none'} |")
    return "\n".join(rows)


def _samples(figures: NextTokenFigures) -> str:
    return "\n\n".join(
        f"> **{prompt}**" + sample[len(prompt) :].replace("\n", "\n> ")
        for prompt, sample in zip(SAMPLE_PROMPTS, figures.samples, strict=True)
    )
