"""Several prompts at once, in the cache lab without a browser: the sentence is the runs'."""

import re

import pytest

import kvviz
from kvviz import caches
from kvviz.ui.pages.cache_lab.many.several_runs import MOST_PROMPT_TOKENS, MOST_PROMPTS
from kvviz.ui.pages.cache_lab.settings import PROMPTS, LabSettings, parse, usual_view, write
from tests.pages.test_cache_lab_page import Lab

STORY = "Tim had a red ball. He threw the ball to his dog, and the dog ran to the tree and"
TEXTS = {
    "begin alike": (f"{STORY} sat\n{STORY} came\nOnce upon", "2"),
    "nothing alike": ("def f(x):\n\nThe sea\n", "0"),
    "the same": ("\n".join([STORY] * 3), "0"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_told_of_several_prompts_is_what_their_runs_did(model, name):
    text, apart = TEXTS[name]
    lab = Lab(do="many", prompts=text, apart=apart, new="3")
    assert lab.errors == lab.notes == []
    assert 'data-kvviz="block-map"' not in lab.html
    lab.press("ask:many-at-once:0")
    assert lab.errors == []
    told = lab.hooks("verdict")
    prompts = [line for line in text.splitlines() if line]
    joins = [int(apart) * number for number in range(len(prompts))]
    batch = kvviz.trace_batch(model, prompts, max_new_tokens=3, joins=joins)
    step = batch.steps[batch.fullest]
    assert told["n-runs"] == told["n-same"] == str(len(prompts))
    assert (told["n-blocks"], told["n-rows"]) == (
        str(step.n_used),
        str(batch.n_rows(batch.fullest)),
    )
    assert told["n-shared-blocks"] == str(max(one.n_shared for one in batch.steps))
    assert (int(told["n-shared-blocks"]) > 0) == (name != "nothing alike")
    assert told["proven"] == "1"
    share = sum(step.n_rows.values()) / len(step.n_rows) / model.card.n_ctx
    assert told["reserved-share"] == f"{share:.4f}"
    assert told["outcome"] == "less than a tenth"
    here = lab.hooks("block-map")
    assert here["n-steps"] == str(len(batch.steps))
    # Each prompt's table names its blocks in the order of its text.
    for run, trace in enumerate(batch.runs):
        last = batch.steps[batch.joined[run] + len(trace.steps) - 1]
        assert f">{' '.join(map(str, last.tables[run]))}<" in lab.html
    assert len(re.findall('title="Block ', lab.html)) >= step.n_used
    alone = kvviz.trace_generation(model, prompts[0], max_new_tokens=3, cache=caches.Paged())
    assert batch.runs[0].tokens == alone.tokens


def test_prompts_are_addressed_kept_and_refused_in_a_sentence():
    wanted = LabSettings(do="many", prompts="one\ntwo & three", apart=8, run=2)
    link = write(wanted, usual_view("many"))
    assert parse(link) == (wanted, usual_view("many"), ())
    assert parse({"do": "many", "apart": "3"})[2]
    lab = Lab(do="many", prompts=" ")
    area = lab.app.text_area(key="lab:prompts")
    for text, words in (
        (" \n ", "There is no prompt"),
        ("\n".join("abcdefghi"), f"Take {MOST_PROMPTS} of them"),
        (f"a cat\n{'word ' * (MOST_PROMPT_TOKENS + 1)}", "Prompt 2 is too long"),
    ):
        area.set_value(text).run()
        (error,) = lab.errors
        assert words in error
        assert lab.app.text_area(key="lab:prompts").value == text
    assert len(PROMPTS.splitlines()) <= MOST_PROMPTS
