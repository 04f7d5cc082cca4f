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
HEIGHT, GAP, LEFT, BELOW = 18, 3, 34, 18
"""Of a block and between two, and what stands at the left and below, in pixels."""
NARROWEST, WIDEST, WIDTH = 7, 20, 780
"""Of a step's column, and of all of them if they fit."""
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
    width = LEFT + column * n_steps + 4
    height = len(blocks) * (HEIGHT + GAP) + BELOW
    drawn: list[str] = []
    for number, block in enumerate(blocks):
        top = number * (HEIGHT + GAP)
        drawn.append(f'<text x="{LEFT - 6}" y="{top + 13}" text-anchor="end">{block}</text>')
        drawn += [
            _segment(batch, block, first, last, users, top, column, letters)
            for first, last, users in _segments(batch, block)
        ]
    for number in range(n_steps):
        for _run, _old, new in batch.copied(number):
            x, y = LEFT + column * number, blocks.index(new) * (HEIGHT + GAP)
            drawn.append(f'<path class="kvviz-block-copied" d="M{x},{y}v{HEIGHT}"/>')
    foot = height - 4
    drawn += [
        f'<text x="{LEFT + column * (number + 0.5)}" y="{foot}" text-anchor="middle">'
        f"{number}</text>"
        for number in range(0, n_steps, STEPS_NAMED)
    ]
    label = plain_html(
        _("Blocks of the pool down, steps across: whose rows each block holds, and how full it is.")
    )
    facts = f'data-n-steps="{n_steps}" data-n-blocks="{len(blocks)}"'
    return (
        f'<div class="kvviz-blocks" data-kvviz="block-map" {facts}>'
        f"{figure_tag('measured')}"
        f'<div class="kvviz-blocks-wide" tabindex="0" role="region" aria-label="{label}">'
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{label}">{"".join(drawn)}</svg></div>'
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
    top: int,
    column: int,
    letters: str,
) -> str:
    filled = [step.filled(batch.block)[block] for step in batch.steps[first : last + 1]]
    x, width = LEFT + column * first, column * (last + 1 - first)
    bottom = top + HEIGHT
    path = [f"M{x},{bottom}"]
    for number, n in enumerate(filled):
        y = bottom - HEIGHT * n / batch.block
        path.append(f"L{x + column * number},{y:.1f}h{column}")
    kind = "shared" if len(users) > 1 else f"run-{users[0]}"
    names = " ".join(letters[run] for run in users)
    said = _(
        "Block {block}, steps {first} to {last}: {names}, {n} of {all} rows at the end"
    ).format(block=block, first=first, last=last, names=names, n=filled[-1], all=batch.block)
    name = (
        f'<text class="kvviz-block-name" x="{x + 4}" y="{top + 13}">{names}</text>'
        if width >= 9 * len(names) + 4
        else ""
    )
    return (
        f'<g class="kvviz-block-{kind}"><title>{plain_html(said)}</title>'
        f'<rect x="{x + 0.5}" y="{top + 0.5}" width="{width - 1}" height="{HEIGHT - 1}" rx="2"/>'
        f'<path d="{"".join(path)}V{bottom}Z"/>{name}</g>'
    )


def _legend(batch: BatchTrace, letters: str) -> str:
    told = [
        *((f"run-{run}", letters[run]) for run in range(len(batch.runs))),
        ("shared", _("read by several")),
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
                f"{letters[number]}  {run.prompt[:48]}{'…' if len(run.prompt) > 48 else ''}",
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
