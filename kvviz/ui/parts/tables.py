"""Small tables and bars as HTML: every text in them is shown as text."""

from __future__ import annotations

from collections.abc import Sequence

from kvviz.ui.shell.plain_text import percent, plain_html


def table(
    name: str,
    header: Sequence[str],
    lines: Sequence[Sequence[str]],
    best: Sequence[int | None] = (),
) -> str:
    """Return a table; on a narrow screen each line becomes a block of its own.

    Args:
        name: What it is called in ``data-kvviz``.
        header: Names of the columns.
        lines: Cells of each line.
        best: For each column the line to set in bold, if any.
    """
    head = "".join(f'<th scope="col">{plain_html(one)}</th>' for one in header)
    body: list[str] = []
    for number, line in enumerate(lines):
        cells: list[str] = []
        for column, text in enumerate(line):
            strong = column < len(best) and best[column] == number
            inside = f"<b>{plain_html(text)}</b>" if strong else plain_html(text)
            label = plain_html(header[column])
            # not for people: markup, around a label that is already in the reader's language
            tag = 'th scope="row"' if column == 0 else f'td data-label="{label}"'
            cells.append(f"<{tag}>{inside}</{tag.split()[0]}>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<table class="kvviz-table" data-kvviz="{plain_html(name)}">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
    )


def bars(name: str, lines: Sequence[tuple[str, float]], marked: str = "", **hooks: object) -> str:
    """Return shares as bars, the longest one full.

    Args:
        name: What they are called in ``data-kvviz``.
        lines: Texts and shares in [0, 1].
        marked: The text to mark.
        hooks: What stands in further ``data-`` attributes.
    """
    longest = max((share for _, share in lines), default=0.0) or 1.0
    rows = "".join(
        f'<li class="{"kvviz-bar-marked" if text == marked else ""}">'
        f"<code>{plain_html(text)}</code>"
        f'<span><i style="width:{100 * share / longest:.1f}%"></i></span>'
        f"<b>{percent(share)}</b></li>"
        for text, share in lines
    )
    extra = "".join(f' data-{key}="{plain_html(str(value))}"' for key, value in hooks.items())
    return f'<ol class="kvviz-bars" data-kvviz="{plain_html(name)}"{extra}>{rows}</ol>'
