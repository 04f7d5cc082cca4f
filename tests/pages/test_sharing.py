"""Two texts that begin alike, in the cache lab without a browser: the sentence is the run's."""

import re

import pytest

import kvviz
from kvviz.ui.pages.cache_lab.bench import MOST_TOKENS
from kvviz.ui.pages.cache_lab.settings import LabSettings, parse, usual_view, write
from tests.pages.test_cache_lab_page import Lab

STORY = "Tim had a red ball. He threw the ball to his dog, and the dog ran to the tree and"
PAIRS = {
    "one word": (STORY, STORY.replace("red", "big"), "before", "The texts part at token"),
    "goes on": ("def f(x):\n    return", "def f(x):\n    return x + 1", "both", "goes on where"),
    "nothing more": (STORY, STORY, "both", "says nothing that the first one does not"),
    "no word": ("A dog", "Цветы are blue", "none", "part at token 0,"),
}


def chips(lab, kind):
    return len(re.findall(rf'<b class="kvviz-is-{kind}" title', lab.html))


@pytest.mark.parametrize("pair", PAIRS)
def test_what_is_told_of_two_texts_is_what_their_runs_did(model, pair):
    text, other, answer, words = PAIRS[pair]
    lab = Lab(do="share", text=text, other=other, new="3")
    assert lab.errors == lab.notes == []
    # Before the answer nothing tells where the rows part.
    assert chips(lab, "shared") == 0
    assert "n-shared" not in lab.hooks("shared-beginning")
    assert 'data-kvviz="verdict"' not in lab.html
    lab.press("ask:share-a-beginning:1")
    told = lab.hooks("verdict")
    first = kvviz.trace_generation(model, text, max_new_tokens=1)
    second = kvviz.trace_generation(model, other, max_new_tokens=3, prefix=first)
    alone = kvviz.trace_generation(model, other, max_new_tokens=3)
    n = second.options.n_shared
    assert told["n-shared"] == lab.hooks("shared-beginning")["n-shared"] == str(n)
    assert told["n-computed"] == str(second.n_prompt - n)
    assert told["flops"] == str(second.steps[0].flops)
    assert told["all-flops"] == str(alone.steps[0].flops)
    assert (told["n-same-tokens"], told["proven"]) == ("3", "1")
    right = {
        "before": "those before the texts part",
        "both": "those before the texts part and those of all tokens in common",
        "none": "none",
    }
    assert told["outcome"] == right[answer]
    # In the first layer a row knows of its token and its place alone.
    assert told["first-changed-layer"] == ("1" if answer == "before" else "")
    assert words in lab.html
    shown = min(n, first.n_prompt) + min(n, second.n_prompt)
    assert chips(lab, "shared") == shown


def test_texts_are_addressed_kept_and_refused_in_a_sentence():
    wanted = LabSettings(do="share", text="one", other="two & three")
    link = write(wanted, usual_view("share"))
    assert link == {"do": "share", "text": "one", "other": "two & three"}
    assert parse(link) == (wanted, usual_view("share"), ())
    assert parse({"do": "share"})[1].step == 0
    lab = Lab(do="share", text="one", other="")
    (error,) = lab.errors
    assert "The prompt is empty" in error
    long = "word " * (MOST_TOKENS + 1)
    lab.app.text_area(key="lab:other").set_value(long).run()
    (error,) = lab.errors
    assert "too long for two runs side by side" in error
    assert lab.app.text_area(key="lab:other").value == long
    lab.app.text_area(key="lab:other").set_value("one day").run()
    assert lab.errors == []
