"""The experiment: several prompts as a tree, in which every beginning is kept once."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kvviz.errors import KvvizError, RunCancelledError
from kvviz.lessons import lessons
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.many.block_map import LETTERS
from kvviz.ui.pages.cache_lab.many.several_runs import prompts_of
from kvviz.ui.pages.cache_lab.settings import PROMPTS
from kvviz.ui.pages.cache_lab.sharing.prompt_tree import MOST_NEW, Branch, PromptTree, make
from kvviz.ui.parts import card_texts
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict, Work
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.parts.quantity import in_bytes, in_rows, seconds
from kvviz.ui.parts.written_lives import written_lives
from kvviz.ui.shell.errors_shown import show_error
from kvviz.ui.shell.plain_text import percent, plain_html, shortened

LITTLE, SOME, MOST = "little", "some", "most"
ANSWERS = {
    LITTLE: N_("less than half"),
    SOME: N_("a half to three quarters"),
    MOST: N_("more than that"),
}
BOUNDS = {LITTLE: 0.5, SOME: 0.75}
"""Shares below which each answer is right; above all of them it is the last."""
LONGEST_LABEL = 60
"""Characters of a branch that are written out."""


def draw(bench: Bench) -> None:
    """Draw the experiment below that of two texts."""
    place = st.container(border=True, key="kvviz-card-lab-tree")
    with place:
        card_texts.head(
            _("Several prompts, as a tree"), lessons().caption("tree-of-beginnings").text
        )
    try:
        prompts_of(bench.settings.prompts)
        found: PromptTree = bench.result(task(bench))
    except RunCancelledError:
        raise
    except KvvizError as error:
        # What was found of the two texts above stays.
        with place:
            show_error(error)
        return
    with place:
        if experiment(bench, found).draw() is None:
            return
        st.html(outline(found))
        written_lives(
            found.lives(
                [_("Prompt {name}").format(name=one) for one in LETTERS[: len(found.runs)]]
            ),
            key="lab-tree-lives",
            view_number=bench.state.view_number,
            shared=_("read, written by the run of another prompt"),
        )


def task(bench: Bench) -> Work:
    """Return the work that runs the prompts one after another, and each alone."""
    wanted = bench.settings
    about = wanted.prompts, min(wanted.new, MOST_NEW)
    return bench.task(
        "tree",
        about,
        _("Running one prompt after another, with the rows that are there and without"),
        lambda model, asker: make(model, asker, *about),
    )


def experiment(bench: Bench, found: PromptTree) -> Experiment:
    """Return the experiment with several prompts."""
    wanted = bench.settings
    return Experiment(
        "tree-of-beginnings",
        [Choice({name: _(label) for name, label in ANSWERS.items()})],
        lambda _none: told(found),
        words={"n": len(found.runs), "rows": in_rows(found.n_rows)},
        about=(wanted.model, wanted.prompts),
        is_open=wanted.prompts == PROMPTS,
    )


def told(found: PromptTree) -> Verdict:
    """Say what is kept once, and what that saves."""
    share = found.n_kept / found.n_rows
    prefills = [sum(run.steps[0].flops for run in runs) for runs in (found.runs, found.alone)]
    a_row = found.runs[0].model.cache_bytes_per_token
    return Verdict(
        [{next((name for name, bound in BOUNDS.items() if share < bound), MOST)}],
        {
            "kept": in_rows(found.n_kept),
            "rows": found.n_rows,
            "share": percent(share),
            "bytes": in_bytes(found.n_kept * a_row),
            "all_bytes": in_bytes(found.n_rows * a_row),
            "computed": in_rows(found.n_computed),
            "flops": f"{prefills[0] / 1e6:,.1f} MFLOP",
            "all_flops": f"{prefills[1] / 1e6:,.1f} MFLOP",
            "time": seconds(found.seconds[0]),
            "all_time": seconds(found.seconds[1]),
            "same": same(found),
        },
        [
            " + ".join(f"{one.n_rows}" for one in found.branches)
            + f" = {found.n_kept}; "
            + " + ".join(f"{run.n_prompt}" for run in found.runs)
            + f" = {found.n_rows}",
            _(
                "The last token of a prompt is always read: where all of a prompt was there "
                "before, a row is computed that was there."
            ),
        ],
        facts={
            "n-runs": len(found.runs),
            "n-kept": found.n_kept,
            "n-rows": found.n_rows,
            "n-computed": found.n_computed,
            "flops": prefills[0],
            "all-flops": prefills[1],
            "n-same": found.n_same,
            "proven": int(found.is_proven),
        },
    )


def same(found: PromptTree) -> str:
    """Say whether each prompt is gone on with as it is alone."""
    n = len(found.runs)
    if found.n_same == n:
        return _("Each prompt is gone on with as it is alone, token by token.")
    return ngettext(
        "{other} of {n} prompt is gone on with in another way than alone: the last digits of a "
        "shorter pass differ.",
        "{other} of {n} prompts are gone on with in another way than alone: the last digits of a "
        "shorter pass differ.",
        n,
    ).format(other=n - found.n_same, n=n)


def outline(found: PromptTree) -> str:
    """Return the tree as HTML: what stands in each branch, its rows, and the prompts through it."""
    told = [
        ("shared", _("kept once for several prompts")),
        ("other", _("rows of one prompt alone")),
    ]
    legend = "".join(
        f'<span><b class="kvviz-is-{kind}"></b>{plain_html(words)}</span>' for kind, words in told
    )
    facts = f'data-n-kept="{found.n_kept}" data-n-branches="{_n_branches(found.branches)}"'
    return (
        f'<div class="kvviz-beginnings" data-kvviz="prompt-tree" {facts}>'
        f"{figure_tag('measured')}{_listed(found, found.branches)}"
        f'<p class="kvviz-two-legend">{legend}</p></div>'
    )


def _n_branches(branches: Sequence[Branch]) -> int:
    return sum(1 + _n_branches(one.branches) for one in branches)


def _listed(found: PromptTree, branches: Sequence[Branch]) -> str:
    items: list[str] = []
    for one in branches:
        tokens = found.runs[one.prompts[0]].tokens_in_place[one.start : one.stop]
        text = shortened("".join(tokens).strip(" "), LONGEST_LABEL)
        kind = "shared" if len(one.prompts) > 1 else "other"
        names = " ".join(LETTERS[number] for number in one.prompts)
        said = f"{in_rows(one.stop - one.start)} · {names}"
        items.append(
            f'<li><b class="kvviz-is-{kind}">{plain_html(text) or "∅"}</b> '
            f"<span>{plain_html(said)}</span>{_listed(found, one.branches)}</li>"
        )
    return f"<ul>{''.join(items)}</ul>" if items else ""
