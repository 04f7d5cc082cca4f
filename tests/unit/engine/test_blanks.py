import numpy as np
import pytest

from kvviz.engine import (
    fill_by_trying,
    fill_from_both_sides,
    fill_from_left,
    log_likelihood,
    trace_encoding,
)
from kvviz.engine.asking import scoring
from kvviz.engine.running.reading import MaskedEnds
from kvviz.errors import ModelFamilyError, OptionsError, RunCancelledError

CLOSE = 1e-4
"""Probabilities from float32 logits of size 10, which routines sum in other orders."""
BLANK = 4


@pytest.fixture
def ids(model):
    return model.tokenize("The cat sat on the mat, and")


def test_both_sides_are_what_an_encoding_says_of_the_hidden_place(bert):
    ids = bert.tokenize("The cat sat on the mat")
    row = MaskedEnds.of(bert).around(ids)
    encoding = trace_encoding(bert, row, hide=[BLANK + 1], top_k=5)
    found = fill_from_both_sides(bert, ids, BLANK, n_top=5)
    assert found.ids.tolist() == encoding.top_ids[BLANK + 1].tolist()
    assert found.probs == pytest.approx(encoding.top_probs[BLANK + 1], abs=CLOSE)
    answer = np.exp(encoding.label_logprobs[BLANK + 1])
    assert found.answer_prob == pytest.approx(answer, abs=CLOSE)
    assert (found.n_passes, found.n_rows, found.n_weighed) == (1, len(row), bert.card.d_vocab)


def test_what_stands_in_the_blank_or_behind_it_changes_nothing_from_the_left(model, ids):
    found = fill_from_left(model, ids, BLANK)
    other = [*ids[:BLANK], 3, 4, 5]
    assert fill_from_left(model, other, BLANK).probs.tolist() == found.probs.tolist()
    encoding = trace_encoding(model, ids, top_k=8)
    assert found.ids.tolist() == encoding.top_ids[BLANK - 1].tolist()
    assert found.probs == pytest.approx(encoding.top_probs[BLANK - 1], abs=CLOSE)
    assert found.n_rows == BLANK


@pytest.mark.parametrize("at_once", [1, 10**9])
def test_trying_is_the_likelihood_of_the_whole_text_with_each_word(
    model, ids, monkeypatch, at_once
):
    monkeypatch.setattr("kvviz.engine.asking.blanks.LOGITS_AT_ONCE", at_once)
    candidates = [7, 8, 9, 10, 7]
    found = fill_by_trying(model, ids, BLANK, candidates)
    tried = [7, 8, 9, 10, ids[BLANK]]
    totals = np.array(
        [log_likelihood(model, [*ids[:BLANK], one, *ids[BLANK + 1 :]]).total for one in tried]
    )
    shares = np.exp(totals - totals.max()) / np.exp(totals - totals.max()).sum()
    order = np.argsort(-shares)
    assert found.ids.tolist() == [tried[place] for place in order]
    # Totals are sums over ten tokens, so shares are off by ten times as much.
    assert found.probs == pytest.approx(shares[order], abs=10 * CLOSE)
    assert found.probs.sum() == pytest.approx(1, abs=1e-12)
    assert found.answer_prob == pytest.approx(shares[-1], abs=10 * CLOSE)
    assert found.answer_rank == 1 + int((shares > shares[-1]).sum())
    assert (found.n_passes, found.n_weighed, found.n_rows) == (5, 5, 5 * len(ids))


def test_rank_counts_what_is_likelier(model, ids):
    found = fill_from_left(model, ids, BLANK, n_top=model.card.d_vocab)
    place = found.ids.tolist().index(ids[BLANK])
    assert found.answer_rank == place + 1
    assert found.answer_prob == found.probs[place]


def test_bad_input_is_refused_in_words(model, bert, ids):
    with pytest.raises(OptionsError, match="nothing to go by before the first token"):
        fill_from_left(model, ids, 0)
    with pytest.raises(OptionsError, match="A blank lies at position 0 to"):
        fill_from_both_sides(bert, [5, 6], 2)
    with pytest.raises(OptionsError, match="vocabulary"):
        fill_by_trying(model, ids, BLANK, [10**6])
    with pytest.raises(ModelFamilyError, match="Only a GPT-2"):
        fill_by_trying(bert, ids, BLANK, [5])
    with pytest.raises(ModelFamilyError, match="Only a BERT"):
        fill_from_both_sides(model, ids, BLANK)


def test_progress_is_told_and_cancelling_ends_the_work(model, ids, monkeypatch):
    monkeypatch.setattr("kvviz.engine.asking.blanks.LOGITS_AT_ONCE", 1)
    told = []
    fill_by_trying(model, ids, BLANK, [7, 8], progress=lambda done, n: told.append((done, n)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(RunCancelledError):
        fill_by_trying(model, ids, BLANK, [7, 8], cancel=lambda: True)
    assert scoring.LOGITS_AT_ONCE > 1


def test_what_is_asked_for_is_a_number(model, bert):
    ids, words = model.tokenize("The cat sat"), bert.tokenize("The cat sat")
    for fill, one, text in ((fill_from_left, model, ids), (fill_from_both_sides, bert, words)):
        for n_top in (-1, 0, 2.5):
            with pytest.raises(OptionsError, match="whole number, 1 or more"):
                fill(one, text, 1, n_top=n_top)
        with pytest.raises(OptionsError, match="A blank lies at a whole number"):
            fill(one, text, "1")
    with pytest.raises(OptionsError, match="The words to try must be a list"):
        fill_by_trying(model, ids, 1, "ab")
    with pytest.raises(OptionsError, match="no token that could be hidden"):
        fill_from_left(model, ids[:1], 1)
