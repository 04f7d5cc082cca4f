"""A question of the site as HTML: what is asked, and what each answer is told.

A page has no server to ask for its verdict, so all verdicts stand in it: those that the app's own
functions give on what was observed, one for each way to answer. `js/question.js` shows the one that
goes with what was answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from kvviz.errors import PublishError
from kvviz.translation import gettext as _
from kvviz.ui.parts import cards
from kvviz.ui.parts.experiment import SHOW_ME, Experiment, Verdict
from kvviz.ui.parts.experiment.verdict import reason, sentence_html
from kvviz.ui.shell.plain_text import plain_html

Ways = Iterator[tuple[str, tuple[Any, ...]]]


def question_html(experiment: Experiment, found: Any) -> str:
    """Return a question with its answers and verdicts.

    Args:
        experiment: What the app's page declares.
        found: What its work gave, None where there was none to do.

    Raises:
        PublishError: If there is nothing to tell.
    """
    verdict = None if experiment.tell is None else experiment.tell(found)
    if verdict is None:
        raise PublishError(
            _("A question of the site has no verdict."),
            found=_("It is: {question}").format(question=experiment.asked),
        )
    name = experiment.question
    # The names are those by which the app's style sheet knows a question.
    return (
        f'<section class="st-key-kvviz-ask-{name} site-question" data-question="{name}" '
        f'aria-label="{plain_html(_("A question"))}">'
        f'<p class="kvviz-ask" data-kvviz="question">{plain_html(experiment.asked)}</p>'
        f'<div class="st-key-kvviz-answers-{name} site-answers">{answers_html(experiment)}</div>'
        '<div class="site-told" aria-live="polite"></div>'
        f"{''.join(_templates(experiment, verdict))}</section>"
    )


def answers_html(experiment: Experiment) -> str:
    """Return the buttons: one an answer, in a row of its own for each of several choices."""
    rows: list[str] = []
    several = len(experiment.choices) > 1
    for number, choice in enumerate(experiment.choices):
        pressed = ' aria-pressed="false"' if several else ""
        buttons = "".join(
            f'<button type="button" data-choice="{number}" data-answer="{place}"{pressed}>'
            f"{plain_html(label)}</button>"
            for place, label in enumerate(choice.options.values())
        )
        label = plain_html(choice.label)
        rows.append(
            f'<div class="site-choice" role="group" aria-label="{label}">'
            f'<span aria-hidden="true">{label}</span>'
            f'<span class="site-segments">{buttons}</span></div>'
            if several
            else buttons
        )
    show = plain_html(_("Just show me"))
    return f'{"".join(rows)}<button type="button" class="site-plain" data-show>{show}</button>'


def _templates(experiment: Experiment, verdict: Verdict) -> Iterator[str]:
    lesson, choices = experiment.lesson, experiment.choices
    for way, answers in _ways(experiment):
        told = sentence_html(verdict, lesson, choices, answers)
        yield f'<template data-verdict="{way}">{told}</template>'
        if experiment.by_hand and answers != SHOW_ME:
            said = plain_html(experiment.to_do(answers))
            yield (
                f'<template data-to-do="{way}"><p class="kvviz-body" data-kvviz="do">{said}</p>'
                "</template>"
            )
    lines, source = reason(verdict, lesson)
    label = plain_html(verdict.opens or _("why it is so"))
    yield (
        f'<template data-why><details class="site-why"><summary>{label}</summary>'
        f"{cards.opened(lines, source)}</details></template>"
    )


def _ways(experiment: Experiment) -> Ways:
    """Give every way to answer: the numbers of the answers, as the page has them, and these."""
    yield "", SHOW_ME
    for answers in product(*(list(enumerate(choice.options)) for choice in experiment.choices)):
        yield ".".join(str(place) for place, _one in answers), tuple(one for _place, one in answers)
