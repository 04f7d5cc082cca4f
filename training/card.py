"""The card of a model: what it learnt from, how, how well, and what it is not for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from training.checkpoint import Checkpoint
from training.evaluation import SAMPLE_PROMPTS, TEMPERATURE, Evaluation, strongest
from training.heads import N_REPEATED
from training.recipes import recipe_named

CURVE_ROWS = 12
SMOOTHED_ENTRIES = 5

_DATA = """\
| source | licence | share before copies |
|---|---|---|
| 275 children's books, mostly 1860-1925 (Project Gutenberg) | public domain in the USA | 89.5 % |
| TinyStories, synthetic stories in simple words | CDLA-Sharing-1.0 | 5.3 % |
| StoryWeaver, African Storybook and Book Dash picture books | CC-BY, CC-BY 4.0 | 2.5 % |
| FairytaleQA, tales not in the books above | Apache-2.0, texts in the public domain | 1.5 % |
| OneStopEnglish, news at elementary level | CC-BY-SA 4.0 | 1.1 % |"""


def write_card(checkpoint: Checkpoint, evaluation: Evaluation, log: list[dict[str, Any]]) -> str:
    """Returns the card as Markdown.

    Args:
        checkpoint: The end of the run.
        evaluation: Measured on the exported files.
        log: The loss log of the run.
    """
    run, progress, shape = checkpoint.run, checkpoint.progress, checkpoint.shape
    recipe = recipe_named(run["recipe"])
    n_parameters = sum(
        tensor.numel() for name, tensor in checkpoint.model.items() if name != "lm_head.weight"
    )
    day = datetime.fromtimestamp(progress.started, UTC).date()
    corpus = run["corpus"]
    checksums = "; ".join(f"`{name}` {value}" for name, value in corpus["checksums"].items())
    short, long = recipe.phases
    return f"""\
# kvviz/{recipe.name}

A GPT-2 of {shape.n_layers} layers x {shape.n_heads} heads x {shape.d_model}, \
{shape.n_ctx:,} positions, vocabulary {shape.d_vocab:,}: {n_parameters / 1e6:.2f}M parameters, \
trained from scratch for kvviz on {day}. Stored as float16, loaded as float32.

**What it is for:** to be watched. It is small enough to run on any computer and trained enough \
that its heads have roles and its sentences read like a children's story. **What it is not for:** \
anything else. It knows no facts, follows no instructions and loses the thread of a story after a \
few sentences. The books are from 1860-1925 and some of their attitudes are dated; it may repeat \
them.

## Data

{corpus["n_documents"]:,} documents of simple English prose, \
{corpus["n_tokens"] / 1e6:.1f}M tokens once packed. Documents under \
{corpus["short_characters"]:,} characters, nearly all modern and simple, \
stand in it {corpus["copies_of_short"]} times.

{_DATA}

Checksums (sha256): {checksums}

## Recipe

- {progress.tokens / 1e6:.1f}M tokens seen, {progress.tokens / corpus["n_tokens"]:.2f} times the \
corpus; {progress.step:,} steps of 4,096 tokens.
- {progress.seconds / 60:.0f} minutes of wall time on {run["device"]}, {run["threads"]} threads, \
shared with other work; bf16 autocast; torch {run["torch"]}, transformers {run["transformers"]}; \
seed {run["seed"]}.
- Muon (peak {recipe.muon_rate:g}, momentum 0.95, weight decay {recipe.weight_decay:g}) for the \
matrices inside the blocks, AdamW (peak {recipe.adamw_rate:g}) for embeddings, norms and biases; \
{recipe.warmup_steps} steps of warm-up, flat for {recipe.flat:.0%} of the time, then linear to \
{recipe.final_rate:.0%}; gradients clipped at norm {recipe.clip:g}; no dropout.
- The first {short.until:.0%} of the time with rows of {short.n_ctx} tokens; in \
{short.mixture.jumping:.0%} of these the positions jump ahead once at a random place, so that \
all {shape.n_ctx:,} positions are trained from the start. The rest with rows of {long.n_ctx:,}.
- {short.mixture.repeated:.0%} of the rows are one span of {short.mixture.shortest}-\
{short.mixture.longest} tokens (in long rows up to {long.mixture.longest}) said over and over, \
which gives induction heads something to do.

### Loss on the training rows

The rows said over and over are among them, so the loss is lower than on plain text.

{_curve(log)}

## Held-out figures

{evaluation.n_tokens:,} tokens, {evaluation.n_characters:,} characters of books and stories that \
are not in the training files. Bits per character; lower is better. The baselines are counted on \
the same training tokens and scored on the same held-out tokens.

| model | bits per character |
|---|---|
| token frequencies (unigram) | {evaluation.unigram:.3f} |
| 5-gram, interpolated modified Kneser-Ney | {evaluation.five_gram:.3f} |
| kvviz/{recipe.name}, windows of 256 | {evaluation.bits_per_character_short:.3f} |
| **kvviz/{recipe.name}, windows of {shape.n_ctx:,}** | **{evaluation.bits_per_character:.3f}** |

{_against_five_gram(evaluation)}

Loss by place in a window of {shape.n_ctx:,}, nats per token:

{_table(evaluation.nats_by_position)}

## Heads

Mean share of attention; layers and heads are counted from 0. Previous-token and first-token \
scores on held-out text; induction on {N_REPEATED} random tokens said twice.

| role | strongest head | score |
|---|---|---|
{_heads(evaluation)}

All scores are in `evaluation.json`; `film.jsonl` holds the training film.

## Samples

Temperature {TEMPERATURE}, one draw for each prompt, none chosen.

{_samples(evaluation)}
"""


def _curve(log: list[dict[str, Any]]) -> str:
    ends = [round((i + 1) * len(log) / CURVE_ROWS) for i in range(CURVE_ROWS)]
    lines = ["| million tokens | loss, nats per token | rows of |", "|---|---|---|"]
    for end in sorted(set(ends) - {0}):
        recent = log[max(0, end - SMOOTHED_ENTRIES) : end]
        loss = sum(entry["loss"] for entry in recent) / len(recent)
        lines.append(f"| {log[end - 1]['tokens'] / 1e6:.1f} | {loss:.2f} | {recent[-1]['n_ctx']} |")
    return "\n".join(lines)


def _against_five_gram(evaluation: Evaluation) -> str:
    gain = 1 - evaluation.bits_per_character / evaluation.five_gram
    return f"That is {abs(gain):.1%} {'below' if gain >= 0 else 'above'} the 5-gram."


def _table(values: dict[str, float]) -> str:
    heads = " | ".join(values)
    rule = "---|" * len(values)
    cells = " | ".join(f"{value:.3f}" for value in values.values())
    return f"| {heads} |\n|{rule}\n| {cells} |"


def _heads(evaluation: Evaluation) -> str:
    rows = []
    for name, table in evaluation.heads.items():
        layer, head, score = strongest(table)
        rows.append(f"| {name.replace('_', ' ')} | layer {layer}, head {head} | {score:.2f} |")
    return "\n".join(rows)


def _samples(evaluation: Evaluation) -> str:
    return "\n\n".join(
        f"> **{prompt}**" + sample[len(prompt) :].replace("\n", "\n> ")
        for prompt, sample in zip(SAMPLE_PROMPTS, evaluation.samples, strict=True)
    )
