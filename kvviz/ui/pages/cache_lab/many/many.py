"""The experiment: several prompts at once, their rows in blocks of one pool."""

from __future__ import annotations

import streamlit as st

from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import run_player
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.many.block_map import LETTERS, block_map, prompts_table
from kvviz.ui.pages.cache_lab.many.several_runs import SeveralRuns, make, prompts_of
from kvviz.ui.pages.cache_lab.settings import APART, PROMPTS
from kvviz.ui.pages.cache_lab.state import PREFIX
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict, Work
from kvviz.ui.parts.quantity import factor, in_bytes, in_rows, seconds
from kvviz.ui.shell.plain_text import percent

LITTLE, SOME, MOST = "little", "some", "most"
ANSWERS = {
    LITTLE: N_("less than a tenth"),
    SOME: N_("a tenth to a half"),
    MOST: N_("more than a half"),
}
BOUNDS = {LITTLE: 0.1, SOME: 0.5}
"""Shares below which each answer is right; above all of them it is the last."""


def draw(bench: Bench) -> None:
    """Draw the experiment."""
    with bench.card:
        controls(bench)
        question = st.container(key="kvviz-lab-question")
    prompts_of(bench.settings.prompts)
    found: SeveralRuns = bench.result(task(bench))
    with question:
        done = experiment(bench, found).draw()
    if done is None:
        return
    with bench.stage:
        st.html(block_map(found.batch) + prompts_table(found.batch))
        run = chosen_run(bench, found)
        run_player.draw(
            bench,
            found.shown[run],
            _(
                "Here a run is shown that was made beside others. “{page}” shows one by itself, "
                "and without the cache."
            ),
        )


def controls(bench: Bench) -> None:
    """Draw how the prompts come."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="kvviz-lab-controls"):
        apart = st.segmented_control(
            _("The next prompt comes after"),
            list(APART),
            key=f"{PREFIX}apart",
            format_func=lambda n: (
                _("at once") if not n else ngettext("{n} step", "{n} steps", n).format(n=n)
            ),
            persist_state="session",
            required=True,
        )
    bench.state.change(apart=apart)


def chosen_run(bench: Bench, found: SeveralRuns) -> int:
    """Let one of the runs be chosen, to be looked at row by row."""
    names = [*range(1, len(found.shown) + 1)]
    usual = next(
        (
            number
            for number, source in zip(names, found.batch.begun_with, strict=True)
            if source is not None
        ),
        1,
    )
    wanted = bench.settings.run if bench.settings.run in names else usual
    key = f"{PREFIX}run"
    if st.session_state.get(key) not in names:
        st.session_state[key] = wanted
    chosen = st.segmented_control(
        _("The rows of"),
        names,
        key=key,
        format_func=lambda number: LETTERS[number - 1],
        persist_state="session",
        required=True,
    )
    # The usual one is left to be that of whatever is typed next.
    bench.state.change(run=0 if chosen == usual else chosen)
    return (chosen or usual) - 1


def task(bench: Bench) -> Work:
    """Return the work that runs all prompts."""
    wanted = bench.settings
    about = wanted.prompts, wanted.new, wanted.apart
    said = _("Running all prompts, together and one by one")
    return bench.run_task("many", about, said, make)


def experiment(bench: Bench, found: SeveralRuns) -> Experiment:
    """Return the experiment with several prompts."""
    wanted, batch = bench.settings, found.batch
    return Experiment(
        "many-at-once",
        [Choice({name: _(label) for name, label in ANSWERS.items()})],
        lambda _none: told(found),
        words={"n": len(batch.runs), "n_ctx": f"{batch.runs[0].model.n_ctx:,}"},
        about=(wanted.model, wanted.prompts, wanted.new, wanted.apart),
        is_open=wanted.prompts == PROMPTS,
    )


def answer(share: float) -> str:
    """Return the answer that a share of the reserved rooms comes to."""
    return next((name for name, bound in BOUNDS.items() if share < bound), MOST)


def told(found: SeveralRuns) -> Verdict:
    """Say what the pool held, what was shared, and what decoding together took."""
    batch, number = found.batch, found.batch.fullest
    step = batch.steps[number]
    n_runs = len(step.n_rows)
    together, alone = found.seconds
    card = batch.runs[0].model
    return Verdict(
        [{answer(found.reserved_share)}],
        {
            "step": number,
            "n": n_runs,
            "rows": in_rows(sum(step.n_rows.values())),
            "share": percent(found.reserved_share),
            "blocks": step.n_used,
            "size": batch.block,
            "bytes": in_bytes(step.n_used * batch.block_bytes),
            "reserved": in_bytes(n_runs * card.n_ctx * card.cache_bytes_per_token),
            "slack": percent(batch.slack(number)),
            "shared": shared(found),
            "rate": f"{batch.n_tokens / together:,.0f}",
            "alone_rate": f"{batch.n_tokens / alone:,.0f}",
            "factor": factor(alone / together),
            "same": same(found),
        },
        [
            _(
                "{n_tokens} new tokens in {n_steps} passes and {time}; one run after another it is "
                "a pass a token, {alone}."
            ).format(
                n_tokens=batch.n_tokens,
                n_steps=len(batch.steps),
                time=seconds(together),
                alone=seconds(alone),
            ),
            _(
                "Published, of servers that reserved rooms: {held} of them held rows; with blocks "
                "{blocks} did, for {times} the throughput."
            ).format(held="20.4–38.2 %", blocks="96.3 %", times="2–4×"),
        ],
        facts={
            "n-runs": len(batch.runs),
            "n-steps": len(batch.steps),
            "n-blocks": step.n_used,
            "n-shared-blocks": max(one.n_shared for one in batch.steps),
            "n-copied": found.n_copied,
            "n-rows": batch.n_rows(number),
            "slack": f"{batch.slack(number):.4f}",
            "reserved-share": f"{found.reserved_share:.4f}",
            "n-same": found.n_same,
            "proven": int(all(run.reuse_is_proven for run in batch.runs)),
        },
    )


def shared(found: SeveralRuns) -> str:
    """Say how many blocks serve several prompts."""
    most = max(step.n_shared for step in found.batch.steps)
    if not most:
        return _("No two prompts begin with a block of the same tokens, so none is shared.")
    copied = ngettext(
        "{n} block was copied when a run wrote to one that another read.",
        "{n} blocks were copied when a run wrote to one that another read.",
        found.n_copied,
    ).format(n=found.n_copied)
    words = ngettext(
        "Up to {n} block serves several prompts that begin alike, kept once.",
        "Up to {n} blocks serve several prompts that begin alike, kept once.",
        most,
    ).format(n=most)
    return f"{words} {copied}" if found.n_copied else words


def same(found: SeveralRuns) -> str:
    """Say whether the runs wrote what they write alone."""
    n = len(found.batch.runs)
    if found.n_same == n:
        return _("Each prompt is gone on with as it is alone, token by token.")
    return ngettext(
        "{other} of {n} prompt is gone on with in another way than alone: the last digits of a "
        "shared pass differ.",
        "{other} of {n} prompts are gone on with in another way than alone: the last digits of a "
        "shared pass differ.",
        n,
    ).format(other=n - found.n_same, n=n)
