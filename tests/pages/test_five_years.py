"""GPT-2 mini beside Llama mini on the page of sizes: one text, and a row put elsewhere."""

import re
from dataclasses import replace

import numpy as np
import pytest

from kvviz.engine import log_likelihood, rows_at_two_places, trace_generation
from kvviz.ui.pages.model_sizes.five_years import (
    BOTH,
    NEITHER,
    NEW,
    OLD,
    Moved,
    TextRead,
    told,
    told_of_moves,
)
from kvviz.ui.pages.model_sizes.turned_pairs import N_PAIRS, Pairs, pairs_picture
from kvviz.ui.parts.quantity import in_bytes
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import RunSettings
from tests.pages.conftest import Page, as_read

TEXT = "The old king had a red hat. He put it on his head and went out."


def facts(page, hook):
    tag = re.search(rf'<[^>]*data-kvviz="{hook}"[^>]*>', page.html)
    return dict(re.findall(r'data-([a-z-]+)="([^"]*)"', tag.group()))


def ask(page, question, number=0):
    return page.press(f"ask:{question}:{number}")


@pytest.fixture
def page():
    page = Page("model_sizes", {})
    page.app.text_area(key="sizes:text").set_value(TEXT).run()
    return page


def test_the_sentence_has_what_the_engine_measures_of_the_text_that_was_typed(page):
    assert 'data-kvviz="five-years"' not in page.html
    ask(page, "five-years")
    assert page.errors == []
    seen = facts(page, "five-years")
    for name, which in ((OLD, "old"), (NEW, "new")):
        model = model_store().get(RunSettings(model=name))
        words = model.tokenize(TEXT)
        n_first = len(model.first_ids)
        whole = log_likelihood(model, [*model.first_ids, *words]).logprobs[-(len(words) - 1) :]
        assert float(seen[f"{which}-nats"]) == pytest.approx(-whole.mean(), abs=1e-5)
        step = trace_generation(model, TEXT, max_new_tokens=1).steps[0]
        assert int(seen[f"{which}-bytes"]) * (len(words) + n_first) == step.cache_bytes
    assert int(seen["old-bytes"]) == 4 * int(seen["new-bytes"])
    kept, before = (in_bytes(int(seen[f"{which}-bytes"])) for which in ("new", "old"))
    assert f"Llama mini keeps {kept} a token and GPT-2 mini {before}" in as_read(page.html)


def test_another_text_is_asked_about_anew(page):
    ask(page, "five-years")
    page.app.text_area(key="sizes:text").set_value(TEXT + " It rained.").run()
    assert 'data-kvviz="five-years"' not in page.html


@pytest.mark.parametrize(
    ("old", "new", "right"), [(3.0, 2.9, 0), (3.0, 3.1, 5), (3.0, 3.3, 15), (3.0, 3.6, 100)]
)
def test_the_answer_follows_from_the_losses(old, new, right):
    one = TextRead(OLD, 12288, old, 1.3, 9, (0.2,))
    verdict = told([one, replace(one, model=NEW, nats=new)])
    assert verdict.right == [{right}]


def test_a_row_is_put_elsewhere_in_the_llama_alone(page):
    ask(page, "moved-rows", 1)
    assert page.errors == []
    assert "Right." in page.html
    seen = {name: float(number) for name, number in facts(page, "moved-rows").items()
            if name in ("turned", "unturned", "added")}  # fmt: skip
    assert seen["turned"] < 1e-3 < 0.1 < min(seen["unturned"], seen["added"])
    model = model_store().get(RunSettings(model=NEW))
    rows = rows_at_two_places(model, [*model.first_ids, *model.tokenize(TEXT)], 100)
    apart = np.linalg.norm(rows.turned_keys - rows.moved_keys, axis=-1)
    length = np.linalg.norm(rows.moved_keys, axis=-1)
    assert seen["turned"] == pytest.approx((apart / length).max(), rel=1e-2)
    assert page.html.count('class="kvviz-offered"') == 2 * N_PAIRS


@pytest.mark.parametrize(
    ("old", "new", "right"),
    [(0.5, 1e-5, NEW), (0.5, 0.5, NEITHER), (1e-5, 1e-5, BOTH), (1e-5, 0.5, OLD)],
)
def test_which_model_s_rows_can_move_is_read_off_the_differences(old, new, right):
    pairs = Pairs.of(*np.ones((3, 32)))
    read = [Moved(name, (far,), (0.5,), (far,), pairs) for name, far in ((OLD, old), (NEW, new))]
    assert told_of_moves(read).right == [{right}]
    off = replace(read[1], values=(0.5,))
    assert not off.can_move


def test_a_pair_is_an_arrow_of_its_own_length_and_angle():
    kept, there = np.zeros(32), np.zeros(32)
    kept[0], there[16] = 1.0, 2.0
    drawn = pairs_picture({"A <b>": Pairs.of(kept, there, there)}, 7)
    assert '<b class="kvviz-was" style="width:13.0px;transform:rotate(0.0deg)">' in drawn
    assert '<b class="kvviz-is" style="width:26.0px;transform:rotate(90.0deg)">' in drawn
    assert 'style="left:31.0px;top:57.0px"' in drawn
    assert "A &lt;b&gt;" in drawn
    assert drawn.count("<i>") == N_PAIRS


@pytest.mark.parametrize(("text", "said"), [("", "empty"), ("q7z " * 900, "positions")])
def test_a_text_that_cannot_be_read_is_answered_in_a_sentence(page, text, said):
    page.app.text_area(key="sizes:text").set_value(text).run()
    ask(page, "five-years")
    assert any(said in error for error in page.errors), page.errors
    assert page.app.text_area(key="sizes:text").value == text
