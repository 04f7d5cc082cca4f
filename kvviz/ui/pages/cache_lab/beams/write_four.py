"""The experiment: go on with the four likeliest texts at once, and count their rows."""

from __future__ import annotations

import streamlit as st

from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import first_sight, shown_lives, whole_number
from kvviz.ui.pages.cache_lab.beams.beam_run import BeamRun, make
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.settings import MOST_BEAMS, MOST_NEW
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict, Work
from kvviz.ui.parts.quantity import factor, in_bytes
from kvviz.ui.parts.tables import table
from kvviz.ui.shell.plain_text import percent

LITTLE, BETWEEN, ALL = "little", "between", "all"
ANSWERS = {
    LITTLE: N_("less than twice those of one text"),
    BETWEEN: N_("more, but less than three quarters of all"),
    ALL: N_("three quarters of all, or more"),
}


def draw(bench: Bench) -> None:
    """Draw the experiment."""
    with bench.card:
        controls(bench)
    asked = experiment(bench)
    found: BeamRun | None = bench.done(asked)
    if found is None:
        first_sight.lives(bench, asked, _("Greedy"))
        return
    with bench.stage:
        shown_lives.draw(
            bench,
            # Translators: A text among several that were found, by its number.
            found.lives(_("Text {number}"), _("Greedy")),
            shared=_("read, one copy for several beams"),
        )


def controls(bench: Bench) -> None:
    """Draw how many go on together, and how far."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="kvviz-lab-controls"):
        n_beams = whole_number.draw(_("Beams"), "beams", 2, MOST_BEAMS)
        new = whole_number.draw(_("New tokens"), "new", 1, MOST_NEW)
    bench.state.change(beams=n_beams, new=new)


def experiment(bench: Bench) -> Experiment:
    """Return the experiment with one text."""
    wanted = bench.settings
    return Experiment(
        "write-four",
        [Choice({name: _(label) for name, label in ANSWERS.items()})],
        told,
        words={"n": wanted.beams, "new": wanted.new},
        about=(wanted.model, wanted.text, wanted.beams, wanted.new),
        work=task(bench),
    )


def task(bench: Bench) -> Work:
    """Return the work that goes on with the text in both ways."""
    wanted = bench.settings
    about = wanted.text, wanted.new, wanted.beams
    return bench.task(
        "beams",
        about,
        _("Going on with several texts at once"),
        lambda model, asker: make(model, asker, *about),
    )


def told(found: BeamRun) -> Verdict:
    """Say what the beams held and found, beside the greedy run."""
    run, last = found.beams, found.beams.steps[-1]
    n_beams = last.n_holders.shape[0]
    share = found.times_one / n_beams
    answer = ALL if share >= 0.75 else LITTLE if found.times_one < 2 else BETWEEN
    return Verdict(
        [{answer}],
        {
            "n": n_beams,
            "bytes": in_bytes(last.cache_bytes),
            "alone": in_bytes(last.alone_bytes),
            "times": factor(found.times_one),
            "shared": percent(found.shared_share),
            "score": f"{run.best.score:+.3f}",
            "greedy": f"{found.greedy_score:+.3f}",
            "outcome": outcome(found),
        },
        lines(found),
        html=texts(found),
        facts={
            "n-beams": n_beams,
            "n-steps": len(run.steps),
            "cache-bytes": last.cache_bytes,
            "alone-bytes": last.alone_bytes,
            "n-copied": run.n_copied,
            "n-computed": run.n_computed,
            "score": f"{run.best.score:.4f}",
            "greedy-score": f"{found.greedy_score:.4f}",
            "is-greedy": int(found.is_greedy),
            "proven": int(run.reuse_is_proven),
        },
    )


def outcome(found: BeamRun) -> str:
    """Say whether the beams found another text than the greedy one."""
    if found.is_greedy:
        return _("It is the greedy text: looking further did not pay.")
    if found.beams.best.score > found.greedy_score:
        return _("It is another text than the greedy one, and a likelier one.")
    return _("It is another text than the greedy one, and a less likely one: that was let go of.")


def lines(found: BeamRun) -> list[str]:
    """Return the arithmetic, a line each."""
    run, last = found.beams, found.beams.steps[-1]
    n_beams, n_plain = (
        last.n_holders.shape[0],
        sum(step.computed.size for step in found.greedy.steps),
    )
    return [
        _(
            "Without sharing: {n} beams × {rows} rows = {all} rows, {bytes}. In blocks of {block} "
            "rows, each kept once: {kept}, the empty places of the last blocks among them."
        ).format(
            n=n_beams,
            rows=last.n_rows,
            all=f"{n_beams * last.n_rows:,}",
            bytes=in_bytes(last.alone_bytes),
            block=run.block,
            kept=in_bytes(last.cache_bytes),
        ),
        ngettext(
            "{n} block was copied, since a beam wrote into it that others read; {computed} rows "
            "were computed, by the greedy run {plain}.",
            "{n} blocks were copied, since a beam wrote into them that others read; {computed} "
            "rows were computed, by the greedy run {plain}.",
            run.n_copied,
        ).format(n=run.n_copied, computed=run.n_computed, plain=n_plain),
        _(
            "Published, of a server for a model of 13 billion parameters: beam search in shared "
            "blocks takes {least} to {most} less memory."
        ).format(least="37.6 %", most="66.3 %"),
    ]


def texts(found: BeamRun) -> str:
    """Return the texts that were found, and the greedy one, as HTML."""
    run = found.beams
    said = [
        (
            _("Text {number}").format(number=number + 1),
            "".join(tokens[run.n_prompt :]),
            f"{one.score:+.3f}",
        )
        for number, (one, tokens) in enumerate(zip(run.found, run.tokens, strict=True))
    ]
    plain = found.greedy
    greedy = (_("Greedy"), "".join(plain.tokens[plain.n_prompt :]), f"{found.greedy_score:+.3f}")
    header = ["", _("New tokens"), _("nats a token")]
    shown = [[name, text.replace("\n", "↵"), score] for name, text, score in (*said, greedy)]
    return table("beam-texts", header, shown)
