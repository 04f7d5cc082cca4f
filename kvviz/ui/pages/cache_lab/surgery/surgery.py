"""The experiment on a row that is changed: is a row that is looked at a row that matters?"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kvviz.figures.row_effects import RowPoints, row_effects
from kvviz.lessons import lessons
from kvviz.trace import GenerationTrace
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.cache_lab import recorded
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.cut import KINDS, PARTS, Cut
from kvviz.ui.pages.cache_lab.head_choice import choose_head
from kvviz.ui.pages.cache_lab.named_choice import choose_named
from kvviz.ui.pages.cache_lab.row_effects import Effects, telling_head, weights_of
from kvviz.ui.pages.cache_lab.state import PREFIX, LabState
from kvviz.ui.pages.cache_lab.surgery.tasks import effects_task, next_task, read_task
from kvviz.ui.parts import card_texts, chart
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.parts.tables import bars
from kvviz.ui.shell.plain_text import percent, plain_html

THAT, ANOTHER = "that", "another"
SOURCE = (
    "Kobayashi et al. (2020), Attention is Not Only a Weight: Analyzing Transformers with Vector "
    "Norms, section 4, arXiv 2004.10102."  # not for people: a source
)


def draw(bench: Bench) -> None:
    """Draw the experiment."""
    with bench.card:
        heads = st.container(horizontal=True, vertical_alignment="bottom", key="kvviz-lab-controls")
        question = st.container(key="kvviz-lab-question")
    trace: GenerationTrace = bench.result(read_task(bench))
    with heads:
        layer, head = controls(bench.state, trace)
    shipped = recorded.of_surgery(bench.settings) if _is_usual(bench, trace) else None
    with question:
        done = recorded.ask(
            experiment(bench, trace, layer, head, shipped),
            _(
                "Recorded: {machine}. It ships; the weights and the bars below are made here. "
                "Change the text, the head or what is done, and all of it is measured here."
            ),
            is_recorded=shipped is not None,
        )
    if done is None:
        return
    found: Effects = shipped or done.found
    row = shown_row(bench.settings.cut, found)
    left, right = bench.stage.columns([3, 2], gap="small")
    with left, st.container(border=True, key="kvviz-card-lab-effects", height="stretch"):
        scatter(trace, found, row, is_recorded=shipped is not None)
    with right, st.container(border=True, key="kvviz-card-lab-cut", height="stretch"):
        next_tokens(bench, trace, found, layer, head, row)


def _is_usual(bench: Bench, trace: GenerationTrace) -> bool:
    """Whether the head that is asked for is the one that the page takes by itself."""
    view = bench.state.view
    layer, head = telling_head(trace)
    return view.layer in (None, layer) and view.head in (None, head)


def controls(state: LabState, trace: GenerationTrace) -> tuple[int, int]:
    """Draw what is changed and how; return layer and KV head."""
    kind = choose_named(_("Each row is"), "kind", KINDS, 310)
    part = choose_named(_("Of it"), "part", PARTS, 160)

    def forget_row() -> None:
        state.settings = replace(state.settings, cut=replace(state.settings.cut, row=None))

    layer, head = choose_head(
        state, trace.model, telling_head(trace), key="cut", on_choice=forget_row
    )
    cut = state.settings.cut
    same_rows = (kind, part) == (cut.kind, cut.part)
    state.change(cut=Cut(kind, part, cut.row if same_rows else None))
    return layer, head


def experiment(
    bench: Bench, trace: GenerationTrace, layer: int, head: int, shipped: Effects | None
) -> Experiment:
    """Return the experiment with one text, one head and one change."""
    wanted = bench.settings
    cut, weights = wanted.cut, weights_of(trace, layer, head)
    top = int(weights.argmax())
    words = {
        "layer": layer,
        "head": head,
        "row": _named(trace, top),
        "weight": percent(float(weights[top])),
        "part": _(PARTS[cut.part]),
        "kind": _(KINDS[cut.kind]),
    }
    return Experiment(
        "surgery",
        [Choice({THAT: _("yes, that row"), ANOTHER: _("no, another one")})],
        lambda found: told(trace, shipped or found, cut, is_recorded=shipped is not None),
        words=words,
        about=(wanted.model, wanted.text, layer, head, cut.kind, cut.part),
        work=None if shipped else effects_task(bench, trace, layer, head),
        is_open=shipped is not None,
    )


def told(trace: GenerationTrace, found: Effects, cut: Cut, *, is_recorded: bool) -> Verdict:
    """Say which row matters most, beside the one that is looked at most and one drawn by lot."""
    top, most = found.looked_at, found.matters
    answer = THAT if top == most else ANOTHER
    n_flips = int((~found.same).sum())
    lines = [
        _(
            "Rank correlation of effect and weight: {weight:+.2f}; of effect and weight times "
            "length of the value, which is what is mixed in: {amount:+.2f}. Over {n} rows."
        ).format(weight=found.by_weight, amount=found.by_amount, n=found.kl.size),
        ngettext(
            "{n} of these changes makes another token the likeliest.",
            "{n} of these changes make another token the likeliest.",
            n_flips,
        ).format(n=n_flips),
    ]
    return Verdict(
        [{answer}],
        {
            "outcome": _("It is that row.") if answer == THAT else _("It is another row."),
            "row": _named(trace, top),
            "kl": nats(float(found.kl[top])),
            "most": _named(trace, most),
            "most_weight": percent(float(found.weights[most])),
            "most_kl": nats(float(found.kl[most])),
            "lot": nats(found.by_lot),
            "rank": f"{found.by_weight:+.2f}",
        },
        lines,
        recorded.source(SOURCE, is_recorded=is_recorded),
        facts={
            "outcome-is": answer,
            "recorded": int(is_recorded),
            "row": top,
            "most": most,
            "kl": f"{found.kl[top]:.3g}",
            "most-kl": f"{found.kl[most]:.3g}",
            "lot-kl": f"{found.by_lot:.3g}",
            "rank": f"{found.by_weight:.4f}",
            "kind": cut.kind,
            "part": cut.part,
        },
    )


def nats(number: float) -> str:
    """Return a divergence with two digits that count.

    Example:
        >>> nats(0.0316), nats(0.000000071)
        ('0.032', '7.1e-08')
    """
    return f"{number:.3f}" if number >= 0.0095 else f"{number:.2g}"


def _named(trace: GenerationTrace, row: int) -> str:
    # Translators: a row by its number, with its token.
    return _("{row} “{token}”").format(row=row, token=trace.tokens[row].strip() or "␣")


def shown_row(cut: Cut, found: Effects) -> int:
    """Return the row in view: the one that was chosen, or the one that is looked at most."""
    return found.looked_at if cut.row is None else min(cut.row, found.kl.size - 1)


def scatter(trace: GenerationTrace, found: Effects, row: int, *, is_recorded: bool) -> None:
    """Draw what every row's change does, over its weight."""
    caption, heading = lessons().caption("row-effects"), _("Looked at, and what it does")
    card_texts.head(heading, caption.text)
    names = [_named(trace, number) for number in range(found.kl.size)]
    spoken = _(
        "The effect of {n} rows over their weight. Looked at most is {row}; {most} moves the next "
        "token most. Rank correlation {rank:+.2f}."
    ).format(
        n=found.kl.size,
        row=names[found.looked_at],
        most=names[found.matters],
        rank=found.by_weight,
    )
    chart.draw(
        row_effects(RowPoints(names, found.weights, found.kl, found.same, row)),
        spoken,
        tags=["recorded" if is_recorded else "measured"],
    )
    st.html(card_texts.source(caption.source))


def next_tokens(
    bench: Bench, trace: GenerationTrace, found: Effects, layer: int, head: int, row: int
) -> None:
    """Draw the list of rows, and what comes next before and after the change of the one chosen."""
    state, key, cut = bench.state, f"{PREFIX}cut-row", bench.settings.cut
    st.session_state[key] = row

    def choose() -> None:
        state.settings = replace(
            state.settings, cut=replace(state.settings.cut, row=st.session_state[key])
        )

    heading = _("The next token, before and after")
    st.html(f"{figure_tag('measured')}{card_texts.heading(heading)}")
    st.selectbox(
        _("Row that is changed"),
        range(found.kl.size),
        key=key,
        format_func=lambda number: _named(trace, number),
        on_change=choose,
    )
    before, after = bench.result(next_task(bench, trace, layer, head, row))
    said = _("Its weight: {weight}. Its {part} {kind}, the next token moves by {kl} nats.").format(
        weight=percent(float(found.weights[row])),
        part=_(PARTS[cut.part]),
        kind=_(KINDS[cut.kind]),
        kl=nats(float(found.kl[row])),
    )
    parts = [
        f'<div data-kvviz="row-cut" data-row="{row}" data-kl="{found.kl[row]:.3g}" '
        f'data-same="{int(found.same[row])}"><p class="kvviz-body">{plain_html(said)}</p>'
    ]
    for title, name, likely in (
        (_("Every row as it was written"), "next-before", before),
        (_("With the change"), "next-after", after),
    ):
        parts.append(
            f'<p class="kvviz-body"><b>{plain_html(title)}</b></p>'
            f"{bars(name, likely, before[0][0])}"
        )
    st.html("".join([*parts, "</div>"]))
