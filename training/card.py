"""The card of a model: what it learnt from, how, how well, and what it is not for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from training.checkpoint import Checkpoint
from training.evaluation import Figures
from training.models import build_model
from training.recipes import Recipe, recipe_named

LICENCE = "MIT"
"""Of the weights: the licence of the repository that they come with."""

CURVE_ROWS = 12
SMOOTHED_ENTRIES = 5

_KIND = {"gpt2": "A GPT-2", "llama": "A Llama", "bert": "A BERT", "t5": "A T5"}

_TWINS = (
    "It is small enough to run on any computer and trained enough that its heads have roles and "
    "its guesses make sense in a children's story."
)
_WATCHED = {
    "gpt2": _TWINS,
    "bert": _TWINS,
    "llama": f"{_TWINS} What people run today is built like it: rotary positions, fewer heads of "
    "keys and values than of queries, a gated MLP.",
    "t5": "Its encoder, its two caches and its attention work as those of a large T5 do, and it "
    "fills short blanks in a children's story; how often rightly, the held-out figures below say. "
    "Often it does not stop after the last blank and answers some that are not there.",
}

_ALIKE = (
    "twin had the same data in the same order, the same number of tokens, size, tokenizer, "
    "optimiser, schedule and row lengths, and began from weights drawn alike. Mask and objective "
    "differ, and with the objective the first and last token of a row, which BERT reads as [CLS] "
    "and [SEP]."
)
_BESIDE = {
    "gpt2": f"- Its BERT {_ALIKE}",
    "bert": f"- Its GPT-2 {_ALIKE}",
    "llama": "- GPT-2 mini had the same data in the same order, the same number of tokens, "
    "tokenizer, optimiser, schedule and row lengths. Of each row this model is shown the start "
    "token in place of the first token, in training as in the held-out windows, so that it is told "
    "one token less than GPT-2 mini is.",
    "t5": "- A fifth of each row was hidden, in spans of two tokens on average.",
}

_PLACES = {"t5": "relative positions", "llama": "rotary positions up to {n:,}"}

_DATA = """\
| source | licence | share before copies |
|---|---|---|
| 275 children's books, mostly 1860-1925 (Project Gutenberg) | public domain in the USA | 89.5 % |
| TinyStories, synthetic stories in simple words | CDLA-Sharing-1.0 | 5.3 % |
| StoryWeaver, African Storybook and Book Dash picture books | CC-BY, CC-BY 4.0 | 2.5 % |
| FairytaleQA, tales not in the books above | Apache-2.0, texts in the public domain | 1.5 % |
| OneStopEnglish, news at elementary level | CC-BY-SA 4.0 | 1.1 % |"""


def write_card(checkpoint: Checkpoint, figures: Figures, log: list[dict[str, Any]]) -> str:
    """Returns the card as Markdown.

    Args:
        checkpoint: The end of the run.
        figures: Measured on the exported files.
        log: The loss log of the run.
    """
    run, progress, shape = checkpoint.run, checkpoint.progress, checkpoint.shape
    recipe = recipe_named(run["recipe"])
    n_parameters = sum(p.numel() for p in build_model(shape).parameters())
    layers = f"{shape.n_layers} + {shape.n_layers}" if shape.family == "t5" else shape.n_layers
    places = _PLACES.get(shape.family, "{n:,} positions").format(n=shape.n_ctx)
    heads = f"{shape.n_heads} heads"
    if shape.n_kv_heads:
        heads += f" over {shape.n_kv_heads} of keys and values"
    day = datetime.fromtimestamp(progress.started, UTC).date()
    corpus = run["corpus"]
    checksums = "; ".join(f"`{name}` {value}" for name, value in corpus["checksums"].items())
    return f"""\
# kvviz/{recipe.name}

{_KIND[shape.family]} of {layers} layers x {heads} x {shape.d_model}, \
{places}, vocabulary {shape.d_vocab:,}: {n_parameters / 1e6:.2f}M parameters, \
trained from scratch for kvviz on {day}. Stored as float16, loaded as float32.

**What it is for:** to be watched. {_WATCHED[shape.family]} **What it is not for:** anything \
else. It knows no facts, follows no instructions and loses the thread of a story after a few \
sentences. The books are from 1860-1925 and some of their attitudes are dated; it may repeat \
them.

**Licence:** {LICENCE}, as all of kvviz. The texts that it learnt from have licences of their own, \
listed below.

## Data

{corpus["n_documents"]:,} documents of simple English prose, \
{corpus["n_tokens"] / 1e6:.1f}M tokens once packed. Documents under \
{corpus["short_characters"]:,} characters, nearly all modern and simple, \
stand in it {corpus["copies_of_short"]} times.

{_DATA}

Checksums (sha256): {checksums}

## Recipe

- {progress.tokens / 1e6:.1f}M tokens seen, {progress.tokens / corpus["n_tokens"]:.2f} times the \
corpus; {progress.step:,} steps of 4,096 tokens. Budget, which the schedule follows: \
{run.get("budget", "not noted")}.
- {progress.seconds / 60:.0f} minutes of wall time on {run["device"]}, threads: {run["threads"]}, \
other work on the machine included; {run.get("precision", "bf16 autocast")}; torch {run["torch"]}, \
transformers {run["transformers"]}; seed {run["seed"]}.
- Muon (peak {recipe.muon_rate:g}, momentum 0.95, weight decay {recipe.weight_decay:g}) for the \
matrices inside the blocks, AdamW (peak {recipe.adamw_rate:g}) for embeddings, norms and biases; \
{recipe.warmup_steps} steps of warm-up, flat for {recipe.flat:.0%} of the time, then linear to \
{recipe.final_rate:.0%}; gradients clipped at norm {recipe.clip:g}; no dropout.
{_phases(recipe)}

### Loss on the training rows

The rows said over and over are among them, so the loss is lower than on plain text.

{_curve(log)}

{figures.sections(recipe.name)}"""


def _phases(recipe: Recipe) -> str:
    lines = ["- Rows get longer:"]
    since = 0.0
    for phase in recipe.phases:
        mixture = phase.mixture
        line = (
            f"  - {since:.0%} to {phase.until:.0%} of the time: rows of {phase.n_ctx:,} tokens; "
            f"{mixture.repeated:.0%} of them are one span of {mixture.shortest}-{mixture.longest} "
            "tokens said over and over, which gives induction heads something to do"
        )
        if mixture.jumping:
            line += (
                f"; in {mixture.jumping:.0%} of them the positions jump ahead once at a random "
                "place, so that all positions are trained"
            )
        lines.append(line + ".")
        since = phase.until
    return "\n".join([*lines, _BESIDE[recipe.shape.family]])


def _curve(log: list[dict[str, Any]]) -> str:
    ends = [round((i + 1) * len(log) / CURVE_ROWS) for i in range(CURVE_ROWS)]
    lines = ["| million tokens | loss, nats per token | rows of |", "|---|---|---|"]
    for end in sorted(set(ends) - {0}):
        recent = log[max(0, end - SMOOTHED_ENTRIES) : end]
        loss = sum(entry["loss"] for entry in recent) / len(recent)
        lines.append(f"| {log[end - 1]['tokens'] / 1e6:.1f} | {loss:.2f} | {recent[-1]['n_ctx']} |")
    return "\n".join(lines)
