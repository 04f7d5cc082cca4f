"""What a page tells is what the app's verdict functions say, for every way to answer."""

import re
from html import unescape

import pytest

from kvviz.errors import PublishError
from kvviz.lessons import lessons
from kvviz.lessons.lesson_files import Question
from kvviz.site.question import question_html
from kvviz.ui.pages.start import twice_as_long
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.parts.experiment.verdict import judged
from tests.factories import make_comparison

TOY = Question(
    "toy", 'How many <letters> has "{word}"?', "They are counted.", "An alphabet.", "It has {n}."
)


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(lessons().questions, "toy", TOY)
    return Experiment(
        "toy",
        [Choice({n: f"{n} letters" for n in (3, 4, 5)})],
        lambda n: Verdict([{n}], {"n": n}, ["1 + 1 + 1 + 1 = 4."]),
        words={"word": "tree"},
        by_hand="Now count.",
    )


def templates(html, kind):
    found = re.findall(rf'<template data-{kind}="([^"]*)">(.*?)</template>', html)
    return {way: unescape(re.sub("<[^>]*>", "", said)) for way, said in found}


def test_each_answer_has_its_sentence_and_what_is_to_be_done_for_it(toy):
    html = question_html(toy, 4)
    assert templates(html, "verdict") == {
        "": "It has 4.",
        "0": "You said 3 letters. It has 4.",
        "1": "Right. It has 4.",
        "2": "You said 5 letters. It has 4.",
    }
    assert templates(html, "to-do")["2"] == "You say 5 letters. Now count."
    assert "" not in templates(html, "to-do")
    assert "How many &lt;letters&gt; has &quot;tree&quot;?" in html
    assert html.count('data-answer="') == 3
    assert "1 + 1 + 1 + 1 = 4." in html
    assert "They are counted." in html
    assert "aria-pressed" not in html


def test_two_choices_have_a_sentence_for_each_pair_of_answers():
    experiment = twice_as_long.experiment(make_comparison(n_prompt=9, n_new=5))
    verdict = experiment.tell(None)
    said = templates(question_html(experiment, None), "verdict")
    assert len(said) == 1 + 3 * 3
    for way, sentence in said.items():
        answers = tuple(int(place) for place in way.split(".") if place)
        assert sentence.startswith(judged(experiment.choices, verdict.right, answers))
    right = ".".join(str(*fitting) for fitting in verdict.right)
    assert said[right].startswith("Right. ")
    assert sum(one.startswith("Right. ") for one in said.values()) == 1


def test_a_question_without_a_verdict_is_not_published(toy):
    with pytest.raises(PublishError, match="has no verdict"):
        question_html(Experiment("toy", toy.choices, lambda _: None, words=toy.words), None)
