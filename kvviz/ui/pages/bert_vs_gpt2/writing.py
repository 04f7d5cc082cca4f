"""Write on: GPT-2 from left to right, BERT by two ways around not being able to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.errors import ContextLengthError, PromptError
from kvviz.lessons import lessons
from kvviz.translation import N_, ngettext, pgettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.bert_vs_gpt2.readings import MOST_TOKENS, ROOM, Workbench, require_page_long
from kvviz.ui.pages.bert_vs_gpt2.settings import MOST_NEW
from kvviz.ui.pages.bert_vs_gpt2.settings import write as write_link
from kvviz.ui.pages.bert_vs_gpt2.state import LIVES, PREFIX, TwinsState
from kvviz.ui.parts import card_texts
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.parts.tables import table
from kvviz.ui.parts.view import OUTSIDE
from kvviz.ui.parts.written_lives import SeenPass, WriterLife, kept_life, written_lives
from kvviz.ui.shell.links import lines_about
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.run_settings import LARGEST_SEED

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel, MaskedWriting

N_SWEEPS = 4
# Translators: Two ways in which a model that only fills blanks can write.
BY_MASKS, OVER = N_("{model}, [MASK] by [MASK]"), N_("{model}, over and over")


class Reporting(TypedDict):
    """How a part of the work says how far it is, and hears that it is not wanted."""

    progress: Callable[[int, int], object]
    cancel: Callable[[], bool]


@dataclass(frozen=True)
class Written:
    """One continuation, and what it took.

    Attributes:
        text: The new text.
        tokens: The new tokens as they are shown.
        drafts: Its drafts as texts, the last one last.
        n_passes: Forward passes.
        n_rows: Rows computed, over all passes.
        seconds: Measured time of the passes.
        by_gpt2: What GPT-2 makes of it, in nats a token.
        by_bert: What BERT makes of it, in nats a token.
        life: What was seen of its rows, pass by pass; None where that is not drawn.
    """

    text: str
    tokens: tuple[str, ...]
    drafts: tuple[str, ...]
    n_passes: int
    n_rows: int
    seconds: float
    by_gpt2: float
    by_bert: float
    life: WriterLife | None

    @property
    def distinct(self) -> float:
        """Share of the tokens that are not a repetition of an earlier one."""
        return len(set(self.tokens)) / len(self.tokens)


def draw(bench: Workbench, card: DeltaGenerator) -> None:
    """Draw the experiment."""
    names = bench.names()
    with card, st.container(horizontal=True, gap="small", key="kvviz-write"):
        new = st.number_input(
            _("Tokens to write"),
            1,
            MOST_NEW,
            key=f"{PREFIX}new",
            step=1,
            width=180,
            persist_state="session",
        )
        seed = st.number_input(
            _("Seed"), 0, LARGEST_SEED, key=f"{PREFIX}seed", step=1, width=180,
            persist_state="session",
            help=_(
                "Decides what BERT draws when it writes over and over. The other two ways always "
                "take the likeliest token."
            ),
        )  # fmt: skip
    bench.state.change(new=int(new), seed=int(seed))
    text = bench.settings.text
    if not text.strip():
        raise PromptError(_("There is no beginning to go on from."), fix=_("Type a few words."))
    require_page_long(text)
    require_room(bench, text, int(new))
    answers = {
        names[0]: names[0],
        **{way.format(model=names[1]): _(way).format(model=names[1]) for way in (BY_MASKS, OVER)},
    }
    about = (text, int(new), int(seed))
    with card:
        done = Experiment(
            "write",
            [Choice(answers)],
            lambda found: told(found, list(answers), names),
            words={"new": int(new), "name": names[0]},
            about=(*about, *names),
            work=bench.task(
                "write",
                about,
                _("Three continuations and two judges"),
                lambda job: write(bench, int(new), int(seed), job),
            ),
        ).draw(waiting=bench.waiting, room=ROOM)
    if done is not None:
        show(bench.state, done.found, list(answers.values()), names, text)


def told(found: list[Written], ways: list[str], names: tuple[str, str]) -> Verdict | None:
    """Return which text the judge finds likeliest; None where it can judge none."""
    judged = {way: one.by_gpt2 for way, one in zip(ways, found, strict=True)}
    heard = [nats for nats in judged.values() if np.isfinite(nats)]
    if not heard:
        return None
    said: dict[str, object] = {"name": names[0], "other": names[1]}
    for way, one in zip(("left", "append", "refine"), found, strict=True):
        said |= {way: nats(one.by_gpt2), way + "_rows": f"{one.n_rows:,}"}
    return Verdict([{way for way, value in judged.items() if value == max(heard)}], said)


def require_room(bench: Workbench, text: str, new: int) -> None:
    """Refuse a text that leaves no room for what is to be written, before anything is asked.

    Raises:
        ContextLengthError: With what would fit.
    """

    def count(_job: Job) -> tuple[int, int]:
        whole = bench.model("bert").tokenize_whole(text)
        longest = max(len(bench.model("gpt2").tokenize(text)), int((~whole.special).sum()))
        return longest, int(whole.special.sum())

    task = bench.task("length", text, _("Both models cut the text into tokens"), count)
    n_tokens, n_ends = bench.result(task)
    room = MOST_TOKENS - n_ends - n_tokens
    if new > room:
        # Translators: Tokens; a part of the sentence "The text has … tokens and …; together …".
        to_write = ngettext("{n:,} is to be written", "{n:,} are to be written", new).format(n=new)
        raise ContextLengthError(
            _(
                "Text and new tokens are too long for this page, on which a BERT computes every "
                "row at every pass."
            ),
            found=ngettext(
                "The text has {n:,} token and {to_write}; together they may be {most:,}.",
                "The text has {n:,} tokens and {to_write}; together they may be {most:,}.",
                n_tokens,
            ).format(n=n_tokens, to_write=to_write, most=MOST_TOKENS - n_ends),
            fix=ngettext(
                "Write no more than {n:,} token, or shorten the text.",
                "Write {n:,} tokens or fewer, or shorten the text.",
                room,
            ).format(n=room)
            if room > 0
            else _("Shorten the text."),
        )


def write(bench: Workbench, new: int, seed: int, job: Job) -> list[Written]:
    """Write the three continuations and have them judged."""
    from kvviz.engine import (
        trace_generation,
        write_by_appending,
        write_by_refining,
    )

    gpt2, bert = bench.model("gpt2"), bench.model("bert")
    text = bench.settings.text
    # Three continuations, of new, new and N_SWEEPS x new passes, which GPT-2 judges in a pass each
    # and BERT in a pass a token.
    total = new * (2 + N_SWEEPS) + 3 * (1 + new)
    done = 0

    def part(size: int) -> Reporting:
        """Return how the next part of the work reports, which is so large a part of the whole."""
        nonlocal done
        start, done = done, done + size
        return {
            "progress": lambda step, n_steps: job.report(start + size * step // n_steps, total),
            "cancel": job.cancelled,
        }

    trace = trace_generation(gpt2, text, max_new_tokens=new, **part(new))
    begun = bert.tokenize(text)
    appended = write_by_appending(bert, begun, new, **part(new))
    refined = write_by_refining(
        bert, begun, new, n_sweeps=N_SWEEPS, seed=seed, **part(N_SWEEPS * new)
    )
    results: list[Written] = []
    by_gpt2 = trace.token_ids[trace.n_prompt :].tolist()
    names = bench.names()
    for model, ids, drafts, life, facts in (
        (gpt2, by_gpt2, (), kept_life(names[0], trace), (
            len(trace.steps),
            sum(step.computed.size for step in trace.steps),
            sum(step.seconds for step in trace.steps),
        )),
        (bert, list(appended.token_ids), (), masked_life(names[1], bert, appended), (
            appended.n_passes, appended.n_rows, appended.seconds
        )),
        # It takes as many times the passes as it has sweeps, so its steps are not the others'.
        (bert, list(refined.token_ids), refined.drafts, None, (
            refined.n_passes, refined.n_rows, refined.seconds
        )),
    ):  # fmt: skip
        n_passes, n_rows, seconds = facts
        judged = {
            judge.card.family: judge_of(judge, model, text, ids, part(size))
            for judge, size in ((gpt2, 1), (bert, new))
        }
        results.append(
            Written(
                text=model.text_of(ids, goes_on=True),
                tokens=tuple(model.token_text(token_id) for token_id in ids),
                drafts=tuple(model.text_of(draft, goes_on=True) for draft in drafts),
                n_passes=n_passes,
                n_rows=n_rows,
                seconds=seconds,
                by_gpt2=judged["gpt2"],
                by_bert=judged["bert"],
                life=life,
            )
        )
    return results


def masked_life(name: str, model: LoadedModel, written: MaskedWriting) -> WriterLife:
    """Return what was seen of the rows of a BERT that wrote [MASK] by [MASK]."""
    passes = tuple(
        SeenPass(
            tuple(model.token_text(token_id) for token_id in one.fed.tolist()),
            {"computed": one.computed},
        )
        for one in written.passes
    )
    return WriterLife(name, "off", 1, passes)


def judge_of(
    judge: LoadedModel,
    writer: LoadedModel,
    text: str,
    new_ids: list[int],
    reporting: Reporting,
) -> float:
    """Return the mean log-likelihood in nats of the new tokens, given the text before them.

    A judge with another tokenizer than the writer reads the whole in tokens of its own, and is
    asked from the first token on that the beginning alone does not have.
    """
    from kvviz.engine import log_likelihood, pseudo_log_likelihood

    begun = judge.tokenize(text)
    known = all(
        token_id < judge.card.d_vocab and judge.token_text(token_id) == writer.token_text(token_id)
        for token_id in new_ids
    )
    whole = [*begun, *new_ids]
    if not known:
        whole = judge.tokenize(text + writer.text_of(new_ids, goes_on=True))
    is_gpt2 = judge.card.family == "gpt2"
    # A GPT-2 has nothing to judge the first token by.
    first = max(n_alike(begun, whole), 1 if is_gpt2 else 0)
    if first >= len(whole):
        return float(np.nan)
    score = log_likelihood if is_gpt2 else pseudo_log_likelihood
    return score(judge, whole, positions=range(first, len(whole)), **reporting).mean


def n_alike(one: list[int], other: list[int]) -> int:
    """Return how many tokens two lists have in common at their beginnings."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def show(
    state: TwinsState, found: list[Written], ways: list[str], names: tuple[str, str], text: str
) -> None:
    """Draw the three texts, the lives of their rows, and what they took and the judges say."""
    for column, way, name, one in zip(
        st.columns(3, gap="small"), ways, ("left", "append", "refine"), found, strict=True
    ):
        with column, st.container(border=True, key=f"kvviz-card-write-{name}", height="stretch"):
            st.html(
                f"{card_texts.heading(way)}"
                f'<p class="kvviz-written" data-kvviz="written-{name}">'
                f"<span>{shown(text[-160:])}</span>{shown(one.text)}</p>"
            )
            if len(one.drafts) > 1:
                drafts(one)
    lives([one.life for one in found if one.life is not None], state)
    caption = lessons().caption("write-on")
    heading = _("The price of losing auto-regression")
    lines = [
        [
            way,
            f"{one.n_passes:,}",
            f"{one.n_rows:,}",
            f"{1e3 * one.seconds:,.0f} ms",
            nats(one.by_gpt2),
            nats(one.by_bert),
            f"{100 * one.distinct:.0f} %",
        ]
        for way, one in zip(ways, found, strict=True)
    ]
    signs = {"n_passes": 1, "n_rows": 1, "seconds": 1, "by_gpt2": -1, "by_bert": -1, "distinct": -1}
    best = [None, *(lowest([getattr(one, name) for one in found], sign)
                    for name, sign in signs.items())]  # fmt: skip
    header = [
        # Translators: This and the next are headings of a table.
        _("written by"),
        _("passes"),
        _("rows computed"),
        _("time"),
        # Translators: What the model, as a judge, makes of the text.
        *(_("judge {model}, nats a token").format(model=name) for name in names),
        _("tokens not repeated"),
    ]
    with st.container(border=True, key="kvviz-card-price"):
        st.html(
            card_texts.heading(heading)
            + card_texts.body(caption.text)
            + table("writing", header, lines, best)
            + card_texts.source(caption.source)
        )


def lives(found: list[WriterLife], state: TwinsState) -> None:
    """Draw what became of the rows, the step in view written into the address."""
    n_steps = max(len(one.passes) for one in found)
    if state.view.step is not None and state.view.step >= n_steps:
        phrase = _(OUTSIDE["step"]).format(chosen=state.view.step, last=n_steps - 1)
        state.notes += lines_about([phrase])
        state.view = replace(state.view, step=None)

    def moved(step: int) -> None:
        state.view = replace(state.view, step=step if step < n_steps - 1 else None)
        state.address.write(write_link(state.settings, state.view))

    written_lives(
        found, key=LIVES, step=state.view.step, view_number=state.view_number, on_step=moved
    )


def drafts(one: Written) -> None:
    """Draw what the text was after each sweep."""
    with st.popover(_("its drafts"), type="tertiary", key="kvviz-drafts"):
        items = "".join(f"<li>{shown(draft)}</li>" for draft in one.drafts)
        st.html(f'<ol class="kvviz-arithmetic">{items}</ol>')


def shown(text: str) -> str:
    """Return a text as HTML, its line breaks as the player shows them."""
    return plain_html(text.replace("\n", "↵"))


def nats(value: float) -> str:
    """Return a mean log-likelihood as it is written on the page."""
    return f"{value:.2f}".replace("-", "−") if np.isfinite(value) else pgettext("score", "none")


def lowest(values: list[float], sign: int) -> int | None:
    """Return the number of the smallest value, or of the largest for sign -1; None at a tie."""
    numbers = [sign * value if np.isfinite(value) else np.inf for value in values]
    first, second = sorted(numbers)[:2]
    return numbers.index(first) if first < second else None
