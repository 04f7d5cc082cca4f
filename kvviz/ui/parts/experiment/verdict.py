"""What came out of an experiment, in one sentence with its numbers, and the reason that opens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from kvviz.lessons.lesson_files import Question
from kvviz.translation import gettext as _
from kvviz.ui.parts import cards
from kvviz.ui.parts.experiment.question import Choice, together
from kvviz.ui.shell.plain_text import plain_html


@dataclass(frozen=True)
class Verdict:
    """What came out.

    Attributes:
        right: For each choice the answers that turned out right, or what came out instead.
        told: What stands in the braces of the sentence that the lessons tell of the question, or
            the sentence itself where they tell none; plain text.
        lines: The arithmetic, a line each, plain text.
        source: Where its numbers come from, before the question's own source.
        html: What shows it below the sentence, as HTML.
        beside: Draws what can be done with it, beside what opens.
        opens: Words on what opens, of the reason where there are none.
        hook: Name of its `data-kvviz`.
        facts: Further values for scripts, by the names of their ``data-`` attributes.
    """

    right: Sequence[Collection[Any]]
    told: Mapping[str, object] | str
    lines: Sequence[str] = ()
    source: str = ""
    html: str = ""
    beside: Callable[[], object] | None = None
    opens: str = ""
    hook: str = "verdict"
    facts: Mapping[str, object] = field(default_factory=dict)


def draw(
    verdict: Verdict, question: Question, choices: Sequence[Choice], answers: Sequence[Any]
) -> None:
    """Draw a verdict on what was answered."""
    st.html(sentence_html(verdict, question, choices, answers))
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        if verdict.beside is not None:
            verdict.beside()
        lines, source = reason(verdict, question)
        cards.opening(question.id, lines, source, label=verdict.opens or _("why it is so"))


def reason(verdict: Verdict, question: Question) -> tuple[list[str], str]:
    """Return what opens below a verdict: the arithmetic and the reason, and where it is from."""
    return [*verdict.lines, question.why], f"{verdict.source} {question.source}".strip()


def sentence_html(
    verdict: Verdict, question: Question, choices: Sequence[Choice], answers: Sequence[Any]
) -> str:
    """Return what is said of the answers and of what came out, and what shows it, as HTML."""
    told = verdict.told
    sentence = told if isinstance(told, str) else question.told.format(**told)
    facts: dict[str, object] = {}
    if choices:
        facts = {
            "right": sum(hits(choices, verdict.right, answers)),
            "asked": len(choices),
            "outcome": " | ".join(
                choice.named(fitting)
                for choice, fitting in zip(choices, verdict.right, strict=True)
            ),
        }
    attributes = "".join(
        f' data-{name}="{plain_html(str(value))}"'
        for name, value in (facts | dict(verdict.facts)).items()
    )
    return (
        f'<p class="kvviz-told" data-kvviz="{verdict.hook}"{attributes}>'
        f"{plain_html(judged(choices, verdict.right, answers) + sentence)}</p>{verdict.html}"
    )


def hits(
    choices: Sequence[Choice], right: Sequence[Collection[Any]], answers: Sequence[Any]
) -> list[bool]:
    """Return for each choice whether the answer to it is right; none where none was given."""
    if not answers:
        return []
    return [
        answer in fitting for _choice, fitting, answer in zip(choices, right, answers, strict=True)
    ]


def judged(
    choices: Sequence[Choice], right: Sequence[Collection[Any]], answers: Sequence[Any]
) -> str:
    """Return what is said of the answers, before it is said what came out."""
    found = hits(choices, right, answers)
    if not found:
        return ""
    if all(found):
        return f"{_('Right.')} "
    if any(found):
        labels = [
            together(
                choice.label for choice, hit in zip(choices, found, strict=True) if hit is kind
            )
            for kind in (True, False)
        ]
        said = _("Right for {right}, not for {wrong}.").format(right=labels[0], wrong=labels[1])
        return f"{said} "
    said = together(choice.named([answer]) for choice, answer in zip(choices, answers, strict=True))
    means = choices[0].meaning.get(answers[0]) if len(choices) == 1 else None
    if means:
        said = _("You said {said}, which would be {meaning}.").format(said=said, meaning=means)
    else:
        said = _("You said {said}.").format(said=said)
    return f"{said} "
