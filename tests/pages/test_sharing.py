"""Two texts that begin alike, in the cache lab without a browser: the sentence is the run's."""

import json
import re

import pytest

import kvviz
from kvviz.trace.flops import forward_flops
from kvviz.ui.pages.cache_lab.bench import MOST_TOKENS
from kvviz.ui.pages.cache_lab.settings import LabSettings, parse, usual_view, write
from kvviz.ui.pages.cache_lab.sharing import typed_endpoint
from kvviz.ui.pages.cache_lab.sharing.prompt_tree import Branch, branches
from kvviz.ui.pages.cache_lab.sharing.two_texts import CutText, TwoTexts
from kvviz.ui.pages.cache_lab.sharing.typed_endpoint import TypedBeginningsEndpoint
from tests.pages.middleware_answer import answer_of
from tests.pages.test_cache_lab_page import Lab
from tests.pages.test_cache_lab_runs import lives_of

STORY = "Tim had a red ball. He threw the ball to his dog, and the dog ran to the tree and"
FEW = "Tom sat\nAnn sat"
"""Prompts that are quickly run, where the tree of them is not looked at."""
PAIRS = {
    "one word": (STORY, STORY.replace("red", "big"), "before", "it is “b” in place of “r”"),
    "goes on": ("def f(x):\n    return", "def f(x):\n    return x + 1", "both", "goes on where"),
    "nothing more": (STORY, STORY, "both", "says nothing that the first one does not"),
    "no word": ("A dog", "Цветы are blue", "none", "part at token 0,"),
}


def chips(lab, kind):
    return len(re.findall(rf'<b class="kvviz-is-{kind}" title', lab.html))


@pytest.mark.parametrize("pair", PAIRS)
def test_what_is_told_of_two_texts_is_what_their_runs_did(model, pair):
    text, other, answer, words = PAIRS[pair]
    lab = Lab(do="share", text=text, other=other, new="3", prompts=FEW)
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
    typed = TwoTexts(CutText.typed(model, text), CutText.typed(model, other))
    assert typed == TwoTexts(CutText.read(first), CutText.read(second))
    assert typed.n_shareable == n
    assert chips(lab, "other kvviz-parts-here") + chips(lab, "again kvviz-parts-here") == (
        0 if typed.n_alike >= max(first.n_prompt, second.n_prompt) else 1 + (answer != "both")
    )
    shown = min(n, first.n_prompt) + min(n, second.n_prompt)
    assert chips(lab, "shared") == shown


def test_texts_are_addressed_kept_and_refused_in_a_sentence():
    wanted = LabSettings(do="share", text="one", other="two & three")
    link = write(wanted, usual_view("share"))
    assert link == {"do": "share", "text": "one", "other": "two & three"}
    assert parse(link) == (wanted, usual_view("share"), ())
    assert parse({"do": "share"})[1].step == 0
    lab = Lab(do="share", text="one", other="", prompts=FEW)
    (error,) = lab.errors
    assert "The prompt is empty" in error
    long = "word " * (MOST_TOKENS + 1)
    lab.app.text_area(key="lab:other").set_value(long).run()
    (error,) = lab.errors
    assert "too long for two runs side by side" in error
    assert lab.app.text_area(key="lab:other").value == long
    lab.app.text_area(key="lab:other").set_value("one day").run()
    assert lab.errors == []


def typed(text, other, **more):
    """Return what a browser is answered that types these texts, as hooks and as HTML."""
    said = {"model": "kvviz/gpt2-mini", "covered": False, "language": "en"}
    body = json.dumps({**said, "text": text, "other": other, **more}).encode()
    code, found = typed_endpoint.answer(body)
    assert code == 200
    return dict(re.findall(r'data-([a-z-]+)="([^"]*)"', found["html"])), found["html"]


def test_the_frontier_moves_with_every_key_by_the_models_own_tokenizer(model):
    other = "Tim had a big ball"
    frontiers = []
    for n in range(1, len(other) + 1):
        hooks, html = typed(STORY, other[:n])
        first, second = (model.tokenize(one) for one in (STORY, other[:n]))
        alike = sum(one == two for one, two in zip(first, second, strict=False))
        parts = [at for at, pair in enumerate(zip(first, second, strict=False)) if len({*pair}) > 1]
        shared = min(parts[0] if parts else alike, len(second) - 1)
        assert (hooks["n-rows"], hooks["n-shared"]) == (str(len(second)), str(shared))
        assert hooks["parts-at"] == (str(parts[0]) if parts else "")
        assert hooks["flops"] == str(forward_flops(model.card, len(second) - shared, len(second)))
        assert 'data-tags="counted formula"' in html
        frontiers.append(shared)
    # Keys behind the place where the texts part move nothing any more.
    assert frontiers[-1] == max(frontiers) == 3
    # What is asked for still is covered: where texts part is told, and not what follows from it.
    hooks, html = typed(STORY, other, covered=True)
    assert hooks["parts-at"] == "3"
    assert "n-shared" not in hooks
    assert "kvviz-is-" not in html
    assert html.count("kvviz-parts-here") == 2


def test_the_character_that_parts_texts_is_named_wherever_tokens_are_cut():
    _hooks, html = typed("The ball", "The balloon")
    assert "is “o”, where the first text ends" in html
    _hooks, html = typed("The balloon", "The ball")
    assert "it ends before “o”" in html
    _hooks, html = typed("a\nb c", "a\nb<b>")
    assert "is “&lt;” in place of “␣”" in html
    assert "<b>" not in re.sub(r"<b[ >](?=[^<]*</b>)|<b></b>", "", html)


def test_what_a_browser_says_of_texts_is_never_trusted():
    nothing = ({}, "")
    assert typed(STORY, " ") == nothing
    assert typed("\ud800", "a") == nothing
    assert typed(STORY, STORY, model="somebody/else") == nothing
    assert typed(STORY, "a", language="tlh")[0]["n-rows"] == "1"
    assert "longer than 512 tokens" in typed("word " * 600, "a")[1]
    for body in (b"", b"[]", b"{}", b'{"model": 1}', b"\xff", b"[" * 10_000):
        assert typed_endpoint.answer(body)[0] == 400
    assert typed_endpoint.answer(None) == (413, None)
    assert answer_of(TypedBeginningsEndpoint, "/kv_cache") is None
    code, _headers, _body = answer_of(TypedBeginningsEndpoint, "/below/_kvviz/beginnings")
    assert code == 405


def test_prompts_are_a_tree_in_which_each_beginning_stands_once():
    texts = [(1, 2, 3, 4), (1, 2, 5), (7,), (1, 2, 3, 4), (1, 2)]
    assert branches(texts) == (
        Branch(
            0,
            2,
            (0, 1, 3, 4),
            (Branch(2, 4, (0, 3), ()), Branch(2, 3, (1,), ())),
        ),
        Branch(0, 1, (2,), ()),
    )
    assert sum(one.n_rows for one in branches(texts)) == len(
        {text[: at + 1] for text in texts for at in range(len(text))}
    )


PROMPTS = {
    "stories": f"{STORY} sat\n{STORY} came\nTim had a big dog\nOnce upon",
    "code": "def add(a, b):\ndef add(a, c):\nimport numpy",
    "the same": "\n".join(["1, 2, 3, 1, 2,"] * 3),
}


@pytest.mark.parametrize("kind", PROMPTS)
def test_what_is_told_of_a_tree_is_what_the_runs_of_its_prompts_did(model, kind):
    prompts = PROMPTS[kind].splitlines()
    lab = Lab(do="share", text="A dog", other="A cat", new="2", prompts=PROMPTS[kind])
    lab.press("ask:share-a-beginning:show")
    assert lab.errors == lab.notes == []
    assert 'data-kvviz="prompt-tree"' not in lab.html
    lab.press("ask:tree-of-beginnings:show")
    assert lab.errors == []
    told = re.findall(r'data-kvviz="verdict"([^>]*)>', lab.html)[-1]
    told = dict(re.findall(r'data-([a-z-]+)="([^"]*)"', told))
    ids = [model.tokenize(one) for one in prompts]
    kept = {tuple(one[: at + 1]) for one in ids for at in range(len(one))}
    assert (told["n-kept"], told["n-rows"]) == (str(len(kept)), str(sum(map(len, ids))))
    assert lab.hooks("prompt-tree")["n-kept"] == told["n-kept"]
    runs = []
    for prompt in prompts:
        begun = [
            kvviz.trace_generation(model, prompt, max_new_tokens=2, prefix=one) for one in runs
        ]
        alone = kvviz.trace_generation(model, prompt, max_new_tokens=2)
        runs.append(max([alone, *begun], key=lambda run: run.options.n_shared))
    computed = sum(run.steps[0].computed.size for run in runs)
    # What a prompt ends with is read anew, though a row of it is there.
    assert len(kept) <= computed <= len(kept) + len(prompts)
    assert told["n-computed"] == str(computed)
    assert told["flops"] == str(sum(run.steps[0].flops for run in runs))
    assert (told["n-same"], told["proven"]) == (str(len(prompts)), "1")
    share = len(kept) / sum(map(len, ids))
    words = "less than half" if share < 0.5 else "a half to three quarters"
    assert told["outcome"] == (words if share < 0.75 else "more than that")
    header, lives = lives_of(lab)
    assert len(header["writers"]) == len(prompts)
    for run, life in zip(runs, lives, strict=True):
        assert life.get((0, "shared"), []) == [*range(run.options.n_shared)]
        assert life[0, "computed"] == run.steps[0].computed.tolist()
        assert life[1, "read"] == [*range(run.n_prompt)]
