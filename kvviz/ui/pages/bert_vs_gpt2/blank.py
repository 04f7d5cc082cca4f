"""Fill a blank in the middle: with both sides in sight, the left one, or by trying words out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.analysis import align_tokens
from kvviz.errors import OptionsError
from kvviz.lessons import lessons
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.bert_vs_gpt2.readings import ROOM, ReadRequest, Workbench
from kvviz.ui.pages.bert_vs_gpt2.rows import choose_token, counted, shown_token
from kvviz.ui.parts import card_texts
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.parts.tables import bars
from kvviz.ui.shell.plain_text import percent, plain_html, visible
from kvviz.ui.work.jobs import Job

if TYPE_CHECKING:
    from kvviz.engine import BlankGuess, LoadedModel

# Translators: Two ways in which a model fills a blank.
LEFT_SIDE, BY_TRYING = N_("{model}, left side"), N_("{model}, by trying")
N_SHOWN = 6
N_TRIED = 64


@dataclass(frozen=True)
class Filled:
    """What was found for a blank.

    Attributes:
        left: GPT-2, from the left side.
        tried: GPT-2, by trying words out.
        both: BERT, from both sides.
        texts: Texts of the tokens of each of the three.
        answers: The token that stood there, as each of the three reads it.
    """

    left: BlankGuess
    tried: BlankGuess
    both: BlankGuess
    texts: tuple[list[str], list[str], list[str]]
    answers: tuple[str, str, str]

    @property
    def guesses(self) -> tuple[BlankGuess, BlankGuess, BlankGuess]:
        """All three."""
        return self.left, self.tried, self.both


def draw(bench: Workbench, card: DeltaGenerator) -> None:
    """Draw the experiment."""
    text, names = bench.settings.text, bench.names()
    left, right = bench.read(ReadRequest("gpt2", text), ReadRequest("bert", text))
    pairs = {
        unit.left[0]: unit.right[0]
        for unit in align_tokens(left, right)
        if unit.is_pair and unit.left[0] > 0
    }
    if not pairs:
        raise OptionsError(
            _("There is no word to hide."),
            found=_(
                "GPT-2 has nothing to go by before the first token, and the others are cut "
                "differently by the two models."
            ),
            fix=_("Type a longer text."),
        )
    with card:
        blank = choose_token(bench, left, _("Token to hide"), "blank", list(pairs))
    bench.state.change(blank=blank)
    # The tokenizer of BERT is asked without its [CLS].
    place = pairs[blank] - int(right.special[: pairs[blank]].sum())
    answers = {
        **{
            way.format(model=names[0]): _(way).format(model=names[0])
            for way in (LEFT_SIDE, BY_TRYING)
        },
        names[1]: names[1],
    }
    ways = tuple(answers)
    words = {"word": shown_token(left.tokens[blank]), "name": names[0], "other": names[1]}
    with card:
        st.html(f'<p class="kvviz-blank">{blanked(left.tokens, blank)}</p>')
        done = Experiment(
            "blank",
            [Choice(answers)],
            lambda found: told(found, ways, words),
            words=words,
            about=(text, blank, *names),
            work=bench.task(
                "blank",
                (text, blank),
                _("Asking both models"),
                lambda job: fill(bench, text, blank, place, job),
            ),
        ).draw(waiting=bench.waiting, room=ROOM)
    if done is None:
        return
    found: Filled = done.found
    sights = (
        # Translators: Said of a model, which stands above it.
        _("sees what stands before the blank"),
        ngettext(
            "scored the whole text with {n} word; shares are among these",
            "scored the whole text with each of {n} words; shares are among these",
            found.tried.n_weighed,
        ).format(n=found.tried.n_weighed),
        _("sees both sides"),
    )
    columns = st.columns(3, gap="small")
    for number, column in enumerate(columns):
        with column, st.container(border=True, key=f"kvviz-card-blank-{number}", height="stretch"):
            st.html(one_way(answers[ways[number]], sights[number], found, number))
    caption = lessons().caption("fill-blank")
    st.html(f'<p class="kvviz-body">{plain_html(caption.text)}</p>'
            f'<p class="kvviz-source">{plain_html(caption.source)}</p>')  # fmt: skip


def told(found: Filled, ways: tuple[str, ...], words: Mapping[str, object]) -> Verdict:
    """Return which way ranks the hidden word highest."""
    best = min(guess.answer_rank for guess in found.guesses)
    return Verdict(
        [{way for way, one in zip(ways, found.guesses, strict=True) if one.answer_rank == best}],
        {
            **words,
            "left": f"{found.left.answer_rank:,}",
            "tried": f"{found.tried.answer_rank:,}",
            "both": f"{found.both.answer_rank:,}",
            "all": f"{found.left.n_weighed:,}",
            "n_tried": f"{found.tried.n_weighed:,}",
            "all_other": f"{found.both.n_weighed:,}",
        },
    )


def blanked(tokens: list[str], blank: int) -> str:
    """Return the text with a gap in the place of a token, as HTML."""
    before, after = "".join(tokens[:blank]), "".join(tokens[blank + 1 :])
    space = " " if tokens[blank].startswith(" ") else ""
    return f"{plain_html(before)}{space}<span></span>{plain_html(after)}"


def one_way(way: str, sight: str, found: Filled, number: int) -> str:
    """Return what one way of filling the blank came to, as HTML."""
    guess = found.guesses[number]
    texts = [visible(text).replace(" ", "␣") for text in found.texts[number]]
    shown = visible(found.answers[number]).replace(" ", "␣")
    lines = list(zip(texts, guess.probs[: len(texts)].tolist(), strict=True))
    if shown not in texts:
        lines.append((shown, guess.answer_prob))
    # Translators: The share and the rank are those that the model gives to the hidden token.
    took = _("{token}: {share}, number {rank:,} of {all:,}. {passes}, {rows}, {time}.").format(
        token=f"<b>{plain_html(shown)}</b>",
        share=percent(guess.answer_prob),
        rank=guess.answer_rank,
        all=guess.n_weighed,
        passes=ngettext("{n:,} pass", "{n:,} passes", guess.n_passes).format(n=guess.n_passes),
        rows=counted(guess.n_rows),
        time=f"{1e3 * guess.seconds:,.0f} ms",
    )
    return (
        card_texts.heading(way)
        + card_texts.body(sight)
        + bars(
            f"blank-{('left', 'tried', 'both')[number]}",
            lines,
            shown,
            rank=guess.answer_rank,
            passes=guess.n_passes,
        )
        + f'<p class="kvviz-body">{took}</p>'
    )


def fill(bench: Workbench, text: str, blank: int, place: int, job: Job) -> Filled:
    """Ask both models."""
    from kvviz.engine import fill_by_trying, fill_from_both_sides, fill_from_left

    gpt2, bert = bench.model("gpt2"), bench.model("bert")
    ids, bert_ids = gpt2.tokenize(text), bert.tokenize(text)
    left = fill_from_left(gpt2, ids, blank, n_top=N_TRIED)
    both = fill_from_both_sides(bert, bert_ids, place, n_top=N_SHOWN)
    # BERT's best words are tried as well, so that GPT-2 does not lose for want of having met them.
    answer = gpt2.token_text(ids[blank])
    space = " " if answer.startswith(" ") else ""
    met = [_same_token(bert, gpt2, int(token_id), space) for token_id in both.ids]
    candidates = [*left.ids.tolist(), *(token_id for token_id in met if token_id is not None)]
    tried = fill_by_trying(
        gpt2, ids, blank, candidates, n_top=N_SHOWN, progress=job.report, cancel=job.cancelled
    )
    texts = tuple(
        [model.token_text(int(token_id)) for token_id in guess.ids[:N_SHOWN]]
        for model, guess in ((gpt2, left), (gpt2, tried), (bert, both))
    )
    answers = answer, answer, bert.token_text(bert_ids[place])
    return Filled(left, tried, both, (texts[0], texts[1], texts[2]), answers)


def _same_token(one: LoadedModel, other: LoadedModel, token_id: int, space: str) -> int | None:
    """Return the token of another model that reads the same, if it has one.

    Args:
        one: Whose token it is.
        other: Whose token is looked for.
        token_id: The token.
        space: What stands before a word in the tokens of the other, where those of the one leave
            it out.
    """
    text = one.token_text(token_id)
    if token_id < other.card.d_vocab and other.token_text(token_id) == text:
        return token_id
    ids = other.tokenize(f"{space}{text}" if text[:1].isalnum() else text)
    return ids[0] if len(ids) == 1 else None
