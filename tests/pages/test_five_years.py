"""GPT-2 mini beside Llama mini on the page of sizes: one text, and a row put elsewhere."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from kvviz.engine import log_likelihood, rows_at_two_places, trace_generation
from kvviz.lessons import lessons
from kvviz.lessons.held_out import held_out_stories
from kvviz.ui.pages.model_sizes import pictures, whole_table
from kvviz.ui.pages.model_sizes.five_years import moved_rows, smaller_cache
from kvviz.ui.pages.model_sizes.five_years import paired_loss as losses
from kvviz.ui.pages.model_sizes.five_years.moved_rows import (
    BOTH,
    NEITHER,
    ONLY_NEW,
    ONLY_OLD,
    Moved,
)
from kvviz.ui.pages.model_sizes.five_years.pair import NEW, OLD, loaded
from kvviz.ui.pages.model_sizes.five_years.paired_loss import PairedLoss, paired_loss
from kvviz.ui.pages.model_sizes.five_years.turned_pairs import N_PAIRS, Pairs, pairs_picture
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.ticket_queue import TicketQueue
from tests.pages.conftest import Page, as_read

NO_BREAK = "\u00a0"
STORY = "The old king had a red hat. He put it on his head and went out."
TEXTS = {
    "a story": STORY,
    "words in no order": "dog the piano a ate the garden in little play to girl loved the with",
    "another script": "The cat 🐱 said 猫 and ran to the door.",
}


def nats_of(name, text):
    """Return what each token of a text but the first costs, from the logits themselves."""
    model = loaded(name)
    words = model.tokenize(text)
    ids = torch.tensor([[*model.first_ids, *words]])
    with torch.no_grad():
        logits = model.module(input_ids=ids).logits[0].double()
    costs = torch.nn.functional.cross_entropy(logits[:-1], ids[0, 1:], reduction="none")
    return costs[-(len(words) - 1) :].numpy(), len(text) - len(model.text_of(words[:1]))


def facts(page, hook):
    tag = re.search(rf'<[^>]*data-kvviz="{hook}"[^>]*>', page.html)
    return dict(re.findall(r'data-([a-z0-9-]+)="([^"]*)"', tag.group()))


def done(work):
    job = Job(work, TicketQueue(1))
    assert job.wait(60)
    assert job.error is None
    return job.result


@pytest.fixture
def stories(monkeypatch):
    """Two of the held-out stories, not known yet."""
    two = dict(list(held_out_stories().items())[:2])
    monkeypatch.setattr(losses, "held_out_stories", lambda: two)
    monkeypatch.setattr(losses, "_stories", [])
    return two


@pytest.fixture
def page(monkeypatch):
    for where, names in (
        (pictures, ("growth", "accelerator_list", "ladder", "parts")),
        (whole_table, ("draw",)),
    ):
        for name in names:
            monkeypatch.setattr(where, name, lambda *_: None)
    return Page("model_sizes", {"text": STORY})


def test_a_visitor_predicts_both_and_is_told_what_the_engine_measures(page, stories):
    assert 'data-kvviz="five-years"' not in page.html
    page.press("ask:five-years:0")
    assert page.errors == []
    seen = facts(page, "five-years")
    assert int(seen["old-bytes"]) == 4 * int(seen["new-bytes"])
    for name, which in ((OLD, "old"), (NEW, "new")):
        found = trace_generation(loaded(name), STORY, max_new_tokens=1).steps[0]
        assert int(seen[f"{which}-bytes"]) * len(found.computed) == found.cache_bytes
        nats, n_characters = zip(*(nats_of(name, text) for text in stories.values()), strict=True)
        bits = sum(one.sum() for one in nats) / math.log(2) / sum(n_characters)
        # float32 sums of one pass, in another order.
        assert float(seen[f"{which}-bits"]) == pytest.approx(bits, rel=1e-5)
    told = as_read(page.html)
    assert f"where GPT-2 mini needs {float(seen['old-bits']):.3f}" in told
    looks = re.search(r'data-role="previous-token".*?</tr>', page.html, re.DOTALL).group()
    assert len(re.findall(r"layer \d, head \d: \d+%", looks)) == 2
    page.press("ask:moved-rows:1")
    assert page.errors == []
    assert "Right." in page.html
    moved = facts(page, "moved-rows")
    assert float(moved["turned"]) < moved_rows.SAME_ROW < 0.1
    assert min(float(moved["unturned"]), float(moved["added"])) > 0.1
    rows = rows_at_two_places(
        loaded(NEW), [*loaded(NEW).first_ids, *loaded(NEW).tokenize(STORY)], moved_rows.N_PLACES
    )
    apart = np.linalg.norm(rows.turned_keys - rows.moved_keys, axis=-1)
    length = np.linalg.norm(rows.moved_keys, axis=-1)
    assert float(moved["turned"]) == pytest.approx((apart / length).max(), rel=1e-2)
    assert page.html.count('class="kvviz-offered"') == 2 * N_PAIRS
    page.press("moved:float64")
    assert page.errors == []
    assert float(facts(page, "moved-float64")["difference"]) < 1e-10
    # Another text is asked about anew.
    (field,) = (one for one in page.app.text_area if one.key.startswith("sizes:text:"))
    field.input("The dog ran.").run()
    assert 'data-kvviz="five-years"' not in page.html


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_numbers_of_the_sentence_are_those_of_the_text(text):
    read = tuple(done(lambda job, name=name: smaller_cache.text_read(name, text, job))
                 for name in (OLD, NEW))  # fmt: skip
    own = paired_loss([loaded(OLD), loaded(NEW)], text, lambda: False)
    expected = [nats_of(name, text)[0] for name in (OLD, NEW)]
    assert own.nats == pytest.approx([one.sum() for one in expected], rel=1e-5)
    assert own.n_tokens == len(expected[0])
    held_out = PairedLoss((3000.0, 3030.0), 1000, 3500)
    verdict = smaller_cache.told(smaller_cache.Found(read, own, held_out))
    sentence = lessons().question("five-years").told.format(**verdict.told).replace(NO_BREAK, " ")
    assert "Llama mini keeps 3.07 kB a token and GPT-2 mini 12.3 kB. On 6 held-out" in sentence
    assert "1.249 bits a character where GPT-2 mini needs 1.237: 1.0 % more." in sentence
    more = 100 * (expected[1].sum() / expected[0].sum() - 1)
    word = "more" if more > 0 else "less"
    assert f"{abs(more):.1f} % {word}." in sentence.rpartition("On this text")[2]
    moved = [moved_rows.moved(loaded(name), name, text) for name in (OLD, NEW)]
    assert moved_rows.told(moved).right == [{ONLY_NEW}]


def test_the_loss_is_that_of_the_command():
    """What `kvviz loss` scores besides, the first token, is all that differs."""
    scores = log_likelihood(loaded(NEW), [*loaded(NEW).first_ids, *loaded(NEW).tokenize(STORY)])
    own = paired_loss([loaded(OLD), loaded(NEW)], STORY, lambda: False)
    assert own.nats[1] == pytest.approx(-scores.logprobs[-own.n_tokens :].sum(), rel=1e-6)


@pytest.mark.parametrize(
    ("nats", "right", "words"),
    [(2900, 0, "3.3 % less"), (3000, 0, "as much"), (3100, 5, "3.3 % more"),
     (3300, 15, "10.0 % more"), (3600, 100, "20.0 % more")],
)  # fmt: skip
def test_the_answer_follows_from_the_held_out_loss(nats, right, words):
    read = tuple(
        smaller_cache.TextRead(name, n_bytes, {}, np.zeros((1, 1), np.float32), ("a",))
        for name, n_bytes in ((OLD, 12288), (NEW, 3072))
    )
    loss = PairedLoss((3000.0, float(nats)), 1000, 3500)
    verdict = smaller_cache.told(smaller_cache.Found(read, loss, loss))
    assert verdict.right == [{right}]
    assert verdict.told["percent"].replace(NO_BREAK, " ") == words
    assert "this text has no such place" in verdict.html


@pytest.mark.parametrize(
    ("old", "new", "right"),
    [(0.5, 1e-5, ONLY_NEW), (0.5, 0.5, NEITHER), (1e-5, 1e-5, BOTH), (1e-5, 0.5, ONLY_OLD)],
)
def test_which_model_s_rows_can_move_is_read_off_the_differences(old, new, right):
    pairs = Pairs.of(*np.ones((3, 32)))
    read = [Moved(name, (far,), (0.5,), (far,), pairs) for name, far in ((OLD, old), (NEW, new))]
    assert moved_rows.told(read).right == [{right}]
    assert not replace(read[1], values=(0.5,)).can_move


def test_a_pair_is_an_arrow_of_its_own_length_and_angle():
    kept, there = np.zeros(32), np.zeros(32)
    kept[0], there[16] = 1.0, 2.0
    drawn = pairs_picture({"A <b>": Pairs.of(kept, there, there)}, 7)
    assert '<b class="kvviz-was" style="width:10.5px;transform:rotate(0.0deg)">' in drawn
    assert '<b class="kvviz-is" style="width:21.0px;transform:rotate(90.0deg)">' in drawn
    assert 'class="kvviz-offered" style="transform:translate(0.0px,21.0px)"' in drawn
    assert "A &lt;b&gt;" in drawn
    assert drawn.count("<i>") == N_PAIRS


def test_a_text_of_too_many_tokens_is_answered_in_a_sentence(page):
    (field,) = (one for one in page.app.text_area if one.key.startswith("sizes:text:"))
    field.input("猫" * 400).run()
    for question in ("five-years", "moved-rows"):
        page.press(f"ask:{question}:0")
    assert len(page.errors) == 2
    assert all("positions" in error for error in page.errors), page.errors
