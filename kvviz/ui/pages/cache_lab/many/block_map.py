"""The life of the blocks of a pool, step by step, and each prompt's table of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from kvviz.trace import BatchTrace
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.parts.quantity import in_rows
from kvviz.ui.parts.tables import table
from kvviz.ui.shell.plain_text import percent, plain_html

LETTERS = "ABCDEFGH"
NARROWEST, WIDEST, WIDTH = 7, 38, 980
"""Of a step's column, and of all of them if they fit, in pixels."""
NARROW = 20
"""Of a column on a telephone, at most, as the style sheet has it."""
STEPS_NAMED = 5


def block_map(batch: BatchTrace, letters: str = LETTERS) -> str:
    """Return the blocks down and the steps across, as HTML.

    A block is as full as it is drawn, in the colour of the run whose rows are in it, and blue where
    several runs read it.

    Args:
        batch: The runs.
        letters: A name for each.
    """
    blocks = sorted({block for step in batch.steps for block in step.users})
    n_steps = len(batch.steps)
    column = min(WIDEST, max(NARROWEST, WIDTH // n_steps))
    copies = {
        (new, number) for number in range(n_steps) for _run, _old, new in batch.copied(number)
    }
    lines: list[str] = []
    for block in blocks:
        segments = "".join(
            _segment(batch, block, first, last, users, letters, (block, first) in copies)
            for first, last, users in _segments(batch, block)
        )
        lines.append(f"<dt>{block}</dt><dd>{segments}</dd>")
    named = "".join(
        f'<b style="left:{_wide(number)}">{number}</b>' for number in range(0, n_steps, STEPS_NAMED)
    )
    label = plain_html(
        _("Blocks of the pool down, steps across: whose rows each block holds, and how full it is.")
    )
    facts = f'data-n-steps="{n_steps}" data-n-blocks="{len(blocks)}"'
    return (
        f'<div class="kvviz-blocks" data-kvviz="block-map" {facts}>'
        f'<p class="kvviz-heading">{plain_html(_("The life of each block"))}</p>'
        f"{figure_tag('measured')}"
        f'<div class="kvviz-blocks-wide" tabindex="0" role="region" aria-label="{label}">'
        f'<dl style="--wide:{column}px;width:calc(44px + {_wide(n_steps)})">{"".join(lines)}'
        f'<dt>{plain_html(_("step"))}</dt><dd class="kvviz-block-steps">{named}</dd></dl></div>'
        f"{_legend(batch, letters)}</div>"
    )


def _segments(batch: BatchTrace, block: int) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Give the stretches of steps through which the same runs use a block: first, last, runs."""
    users = [step.users.get(block, ()) for step in batch.steps]
    for runs, numbers in groupby(range(len(users)), key=lambda number: users[number]):
        if runs:
            found = [*numbers]
            yield found[0], found[-1], runs


def _segment(
    batch: BatchTrace,
    block: int,
    first: int,
    last: int,
    users: Sequence[int],
    letters: str,
    is_copy: bool,
) -> str:
    filled = [step.filled(batch.block)[block] for step in batch.steps[first : last + 1]]
    bars = "".join(
        f'<i style="width:{_wide(sum(1 for _one in stretch))};'
        f'height:{100 * n / batch.block:.0f}%"></i>'
        for n, stretch in groupby(filled)
    )
    kind = "shared" if len(users) > 1 else f"run-{users[0]}"
    names = " ".join(letters[run] for run in users)
    said = _(
        "Block {block}, steps {first} to {last}: {names}, {n} of {all} rows at the end"
    ).format(block=block, first=first, last=last, names=names, n=filled[-1], all=batch.block)
    if is_copy:
        said += _("; begun as a copy")
    name = f"<b>{names}</b>" if NARROW * len(filled) >= 9 * len(names) + 6 else ""
    copied = " kvviz-block-copied" if is_copy else ""
    return (
        f'<span class="kvviz-block-{kind}{copied}" title="{plain_html(said)}" '
        f'style="left:{_wide(first)};width:{_wide(len(filled))}">{bars}{name}</span>'
    )


def _wide(n_steps: int) -> str:
    """Return the width of so many steps, in the style sheet's words."""
    return f"calc({n_steps} * var(--column))"


def _legend(batch: BatchTrace, letters: str) -> str:
    told = [
        *((f"run-{run}", letters[run]) for run in range(len(batch.runs))),
        ("shared", _("read by several")),
        *(
            [("copied", _("begun as a copy"))]
            if any(map(batch.copied, range(len(batch.steps))))
            else []
        ),
        ("empty", _("places still empty")),
    ]
    items = "".join(
        f'<span><b class="kvviz-block-{kind}"></b>{plain_html(words)}</span>'
        for kind, words in told
    )
    return f'<p class="kvviz-two-legend kvviz-block-legend">{items}</p>'


def prompts_table(batch: BatchTrace, letters: str = LETTERS) -> str:
    """Return each prompt with its table of blocks, as HTML."""
    lines: list[list[str]] = []
    for number, run in enumerate(batch.runs):
        last = batch.joined[number] + len(run.steps) - 1
        step = batch.steps[last]
        blocks, n_rows = step.tables[number], step.n_rows[number]
        n_empty = len(blocks) * batch.block - n_rows
        source = batch.begun_with[number]
        lines.append(
            [
                f"{letters[number]}  {_shortened(run.prompt)}",
                _("{first} to {last}").format(first=batch.joined[number], last=last),
                _("none")
                if source is None
                else _("{rows} of {name}").format(
                    rows=in_rows(run.options.n_shared), name=letters[source]
                ),
                " ".join(map(str, blocks)),
                ngettext("{n} of {all} places", "{n} of {all} places", n_empty).format(
                    n=n_empty, all=len(blocks) * batch.block
                )
                + f" ({percent(n_empty / (len(blocks) * batch.block))})",
            ]
        )
    header = [_("Prompt"), _("Steps"), _("Begins with"), _("Its blocks, in order"), _("Empty")]
    return table("block-tables", header, lines)


def _shortened(prompt: str) -> str:
    """Return a prompt without its middle, where it is long: prompts that begin alike end apart."""
    return prompt if len(prompt) <= 68 else f"{prompt[:24].rstrip()} … {prompt[-40:].lstrip()}"
