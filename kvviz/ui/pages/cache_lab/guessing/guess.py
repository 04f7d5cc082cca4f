"""The experiment: guess the next tokens, try them in one pass, and take back what was wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import first_sight, shown_lives, whole_number
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.guessing.guessed_run import GuessedRun, make
from kvviz.ui.pages.cache_lab.guessing.written_text import written_text
from kvviz.ui.pages.cache_lab.settings import LOOKUP, MOST_GUESSES, MOST_NEW, SAYS_AGAIN
from kvviz.ui.pages.cache_lab.state import PREFIX
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict, Work
from kvviz.ui.parts.quantity import factor, in_bytes, seconds
from kvviz.ui.work import runs
from kvviz.ui.work.equal_work import Asker
from kvviz.ui.work.model_names import FAMILY_NAMES, bundled_models, called
from kvviz.ui.work.model_store import model_store

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

HALF, FEWER, AS_MANY = "half", "fewer", "as-many"
PASSES = {
    HALF: N_("at most half as many as tokens"),
    FEWER: N_("fewer, but more than half"),
    AS_MANY: N_("as many as tokens"),
}
FASTER, SLOWER, ALIKE = "faster", "slower", "alike"
TIMES = {FASTER: N_("less"), SLOWER: N_("more"), ALIKE: N_("as much, within 5 %")}
CLEARLY = 1.05
"""How many times as fast or slow a token must come to be called faster or slower: runs of this
length repeat to within a few percent on a machine that does nothing else."""


def draw(bench: Bench) -> None:
    """Draw the experiment."""
    with bench.card:
        controls(bench)
    asked = experiment(bench)
    found: GuessedRun | None = bench.done(asked)
    if found is None:
        first_sight.lives(bench, asked, _("One by one"))
        return
    with bench.stage:
        shown_lives.draw(bench, found.lives(_("With guesses"), _("One by one")))


def controls(bench: Bench) -> None:
    """Draw who guesses and how much."""
    state = bench.state
    others = {
        name: title
        for family in FAMILY_NAMES
        if family not in ("bert", "t5")
        for name, title in bundled_models(family).items()
        if name != state.settings.model
    }
    labels = {LOOKUP: _("the text itself, looked up"), state.settings.model: _("the model itself")}
    key = f"{PREFIX}draft"
    offered = [*labels, *others]
    if (chosen := st.session_state.get(key, LOOKUP)) not in offered:
        # A link may name any model.
        offered.append(chosen)
    with st.container(horizontal=True, vertical_alignment="bottom", key="kvviz-lab-controls"):
        draft = st.selectbox(
            _("Who guesses"),
            offered,
            key=key,
            format_func=lambda name: labels.get(name) or others.get(name) or name,
            persist_state="session",
            width=330,
        )
        guesses = whole_number.draw(_("Guesses a pass"), "guesses", 1, MOST_GUESSES)
        new = whole_number.draw(_("New tokens"), "new", 2, MOST_NEW)
        if state.settings.text != SAYS_AGAIN:
            st.button(
                _("Take a text that says things again"),
                key=f"{PREFIX}again",
                type="tertiary",
                on_click=_take_such_a_text,
            )
    state.change(draft=draft, guesses=guesses, new=new)


def _take_such_a_text() -> None:
    st.session_state[f"{PREFIX}text"] = SAYS_AGAIN


def experiment(bench: Bench) -> Experiment:
    """Return the experiment with one text and one who guesses."""
    wanted = bench.settings
    about = (wanted.model, wanted.text, wanted.draft, wanted.guesses, wanted.new)
    return Experiment(
        "guess-and-take-back",
        [
            Choice({name: _(label) for name, label in PASSES.items()}, _("Passes")),
            Choice({name: _(label) for name, label in TIMES.items()}, _("Time a token")),
        ],
        told,
        words={"n": wanted.guesses, "new": wanted.new, "who": who(wanted.model, wanted.draft)},
        about=about,
        work=task(bench),
    )


def who(model: str, draft: str) -> str:
    """Say who guesses, to stand at the beginning of a sentence."""
    if draft == LOOKUP:
        return _("The text itself guesses: where its last tokens stood before, the same may follow")
    if draft == model:
        return _("The model itself guesses")
    return _("{model} guesses").format(model=called(draft))


def task(bench: Bench) -> Work:
    """Return the work that writes the text in both ways."""
    wanted = bench.settings
    text, new, n_draft = wanted.text, wanted.new, wanted.guesses
    if wanted.draft != LOOKUP:
        # The list offers what ships; only the page's own model may have been typed, not another.
        is_chosen = wanted.draft == wanted.model and runs.is_local_visitor()
        bench.environment.require(wanted.draft, typed_here=is_chosen)

    def do(model: LoadedModel, asker: Asker) -> GuessedRun:
        draft = None
        if wanted.draft != LOOKUP:
            draft = model_store().get(bench.of_model_named(wanted.draft))
        return make(model, asker, draft, text, new, n_draft)

    return bench.task(
        "guess",
        (text, new, wanted.draft, n_draft),
        _("Writing with guesses and without, in turns"),
        do,
    )


def told(found: GuessedRun) -> Verdict:
    """Say how many passes the text took, and whether that paid."""
    run, plain = found.guessed, found.plain
    n_new, n_passes = run.n_new, found.n_passes
    passes = HALF if 2 * n_passes <= n_new else FEWER if n_passes < n_new else AS_MANY
    time = FASTER if found.gain > CLEARLY else SLOWER if found.gain < 1 / CLEARLY else ALIKE
    return Verdict(
        [{passes}, {time}],
        {
            "new": n_new,
            "passes": n_passes,
            "a_pass": f"{run.tokens_a_pass:.2f}",
            "right": run.n_accepted,
            "guesses": run.n_proposed,
            "taken": run.n_taken_back,
            "same": same(found),
            "time": seconds(found.seconds[0]),
            "plain_time": seconds(found.seconds[1]),
            "pays": pays(time, found.gain),
        },
        lines(found),
        html=written_text(found),
        facts={
            "n-new": n_new,
            "n-passes": n_passes,
            "n-proposed": run.n_proposed,
            "n-accepted": run.n_accepted,
            "n-taken-back": run.n_taken_back,
            "same-text": int(found.is_same),
            "proven": int(run.reuse_is_proven),
            "gain": repr(found.gain),
            "cache-bytes": run.passes[-1].cache_bytes,
            "full-bytes": plain.steps[-1].cache_bytes,
        },
    )


def lines(found: GuessedRun) -> list[str]:
    """Return the arithmetic, a line each."""
    run, plain = found.guessed, found.plain
    flops = sum(one.flops + one.guess_flops for one in run.passes)
    plain_flops = sum(step.flops for step in plain.steps)
    said = [
        _(
            "{right} guesses that were right + {passes} tokens of the model's own, one a pass, "
            "= {new} new tokens."
        ).format(right=run.n_accepted, passes=len(run.passes), new=run.n_new),
        _(
            "{flops} in all, {plain} without guesses: each row that is taken back was computed for "
            "nothing. The cache holds {bytes} in the end, without guesses {plain_bytes}."
        ).format(
            flops=f"{flops / 1e6:,.0f} MFLOP",
            plain=f"{plain_flops / 1e6:,.0f} MFLOP",
            bytes=in_bytes(run.passes[-1].cache_bytes),
            plain_bytes=in_bytes(plain.steps[-1].cache_bytes),
        ),
    ]
    if found.pass_seconds is not None:
        tried, step = found.pass_seconds
        said.append(
            _(
                "A pass that tries guesses took {tried} on this machine and a step without {step}, "
                "{factor} of it: to pay, it has to give more than {least} tokens, guessing not "
                "counted."
            ).format(
                tried=seconds(tried),
                step=seconds(step),
                factor=factor(tried / step),
                least=f"{tried / step:.2f}",
            )
        )
    return said


def same(found: GuessedRun) -> str:
    """Say whether both ways wrote the same."""
    if found.is_same:
        n = found.guessed.n_new
        return ngettext(
            "The text is the one that the model writes without guesses, its {n} token.",
            "The text is the one that the model writes without guesses, all {n} tokens of it.",
            n,
        ).format(n=n)
    return _(
        "From new token {at} on the texts differ: two tokens were equally likely but for the last "
        "digits, in which rows of a longer pass differ."
    ).format(at=found.n_same)


def pays(time: str, gain: float) -> str:
    """Say whether guessing paid."""
    if time == FASTER:
        return _("Guessing pays here, {factor} as fast.").format(factor=factor(gain))
    if time == SLOWER:
        return _("Guessing does not pay here, {factor} the time.").format(factor=factor(1 / gain))
    return _("Guessing neither pays nor costs here.")
