"""Changed rows in the cache lab, without a browser."""

import re

import numpy as np
import pytest

import kvviz
from kvviz.analysis.rank_correlation import rank_correlation
from kvviz.engine import row_effects
from kvviz.figures.row_effects import FLOOR, RowPoints
from kvviz.figures.row_effects import row_effects as figure_of
from kvviz.ui.pages.cache_lab import recorded
from kvviz.ui.pages.cache_lab.cut import Cut, cut
from kvviz.ui.pages.cache_lab.row_effects import effects, telling_head
from kvviz.ui.pages.cache_lab.settings import USUAL_VIEW, LabSettings, parse, write
from tests.pages.test_cache_lab_page import TEXT, Lab
from tests.pages.test_fewer_bits import KINDS


def alone(_done=0, _n=0):
    """Nobody waits, and nobody cancels."""
    return False


def test_each_row_of_a_text_of_ones_own_is_changed_and_told_beside_one_by_lot(model):
    lab = Lab(do="surgery", text=TEXT, cut="zero:key:3", layer="1", head="5")
    assert lab.errors == lab.notes == []
    assert 'data-kvviz="verdict"' not in lab.html
    assert lab.charts == {}
    lab.press("ask:surgery:0")
    assert lab.errors == []
    told, ids = lab.hooks("verdict"), model.tokenize(TEXT)
    run = kvviz.trace_generation(model, TEXT, max_new_tokens=1)
    found = row_effects(model, run, 0, 1, 5, part="key")
    assert (told["row"], told["most"]) == (str(found.weights.argmax()), str(found.kl_nats.argmax()))
    assert told["most-kl"] == f"{found.kl_nats.max():.3g}"
    assert told["lot-kl"] == f"{found.kl_nats.mean():.3g}"
    assert told["rank"] == f"{rank_correlation(found.weights, found.kl_nats):.4f}"
    assert told["recorded"] == "0"
    assert lab.charts == {"row-effects": len(ids) - 1 + 2}
    here = lab.hooks("row-cut")
    assert (here["row"], here["kl"]) == ("3", f"{found.kl_nats[3]:.3g}")
    lab.app.selectbox(key="lab:cut-row").set_value(4).run()
    assert lab.hooks("row-cut")["row"] == "4"
    assert lab.html.count('class="kvviz-bar-marked"') >= 1


def test_looked_at_rows_matter_by_their_values_whatever_the_text_is_of(model):
    """The sentence and its reason, for three kinds of text: a story, which is recorded, and two."""
    usual = LabSettings()
    for text in (usual.text, *KINDS):
        run = kvviz.trace_generation(model, text, max_new_tokens=1)
        head = telling_head(run)
        values, keys = (
            effects(model, run, *head, Cut(part=part), progress=alone, cancel=alone)
            for part in ("value", "key")
        )
        assert values.by_weight > 0.9
        assert values.kl[values.looked_at] > 3 * values.by_lot
        # A key of zeros draws weight: rows that were not looked at move more than by their values.
        idle = values.weights < 1e-3
        assert keys.kl[idle].mean() > values.kl[idle].mean()
        assert keys.by_weight < values.by_weight
        if text == usual.text:
            stored = recorded.of_surgery(usual)
            # Other processors sum in another order; the smallest effects are of such sums alone.
            np.testing.assert_allclose(stored.weights, values.weights, rtol=1e-3, atol=1e-9)
            np.testing.assert_allclose(stored.kl, values.kl, rtol=2e-2, atol=1e-9)


@pytest.mark.parametrize(
    ("words", "one"),
    [("swap:key", Cut("swap", "key")), ("shift:both:12", Cut("shift", "both", 12))],
)
def test_a_link_says_what_is_done_to_which_row(words, one):
    assert cut(words) == one
    assert write(LabSettings(cut=one), USUAL_VIEW) == {"cut": words}


@pytest.mark.parametrize("words", ["zero", "melt:key", "zero:query", "zero:key:-1", "<b>:key", ""])
def test_a_link_with_no_such_change_gives_the_usual_one_and_a_line(words):
    settings, _view, wrong = parse({"cut": words})
    assert settings == LabSettings()
    assert len(wrong) == 1


def test_ranks_ask_for_the_order_alone():
    numbers = np.array([1.0, 2.0, 9.0, 10.0])
    assert rank_correlation(numbers, numbers**3) == 1
    assert rank_correlation(numbers, -numbers) == -1
    assert rank_correlation(numbers, np.ones(4)) == 0
    # By hand: ranks 1, 2.5, 2.5, 4 beside 1, 2, 3, 4.
    expected = np.corrcoef([1, 2.5, 2.5, 4], [1, 2, 3, 4])[0, 1]
    assert rank_correlation(np.array([0.0, 5.0, 5.0, 6.0]), numbers) == pytest.approx(expected)


def test_what_is_drawn_of_rows_is_what_was_given():
    weights, kl = np.array([0.5, 0.0, 0.25]), np.array([1e-3, 0.0, 1e-2])
    same = np.array([True, True, False])
    rows, mean = figure_of(RowPoints(["0 a", "1 b", "2 c"], weights, kl, same, 1)).data
    assert rows.x.tolist() == [0.5, FLOOR, 0.25]
    assert rows.y.tolist() == [1e-3, FLOOR, 1e-2]
    assert [symbol.endswith("-open") for symbol in rows.marker.symbol] == [False, False, True]
    assert list(mean.y) == pytest.approx([kl.mean()] * 2)
    assert all(re.fullmatch(r"\d .", text) for text in rows.text)
