from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import GPT2LMHeadModel

from kvviz.engine import (
    fill_by_trying,
    fill_from_both_sides,
    fill_from_left,
    log_likelihood,
    pseudo_log_likelihood,
    trace_encoding,
    write_by_appending,
    write_by_refining,
)
from kvviz.engine.asking import scoring
from kvviz.engine.running.reading import MaskedEnds
from kvviz.errors import (
    ContextLengthError,
    ModelFamilyError,
    ModelFilesError,
    OptionsError,
    PromptError,
    RunCancelledError,
)
from tests.unit.engine.conftest import state_of

CLOSE = 1e-4
"""Logits of these models are sums in float32 and of size 10, so that their log softmax is off by
some 1e-6 a token where routines differ; a wrong token or mask shows in the first digit."""


@pytest.fixture
def ids(model):
    return model.tokenize("The cat sat on the mat, and the dog sat by the door.")


def test_left_to_right_is_the_loss_of_transformers(model, tiny_folder, ids):
    plain = GPT2LMHeadModel.from_pretrained(tiny_folder).eval()
    batch = torch.tensor([ids])
    with torch.no_grad():
        loss = plain(batch, labels=batch).loss.item()
    found = log_likelihood(model, ids)
    assert found.mean == pytest.approx(-loss, abs=CLOSE)
    assert found.total == pytest.approx(-loss * (len(ids) - 1), abs=CLOSE * len(ids))
    assert found.positions.tolist() == list(range(1, len(ids)))
    assert (found.n_passes, found.n_rows) == (1, len(ids))


def test_each_token_has_the_score_that_an_encoding_gives_it(model, ids):
    encoding = trace_encoding(model, ids)
    found = log_likelihood(model, ids)
    assert found.logprobs == pytest.approx(encoding.label_logprobs[:-1], abs=CLOSE)


def test_looking_both_ways_each_token_is_scored_by_a_text_that_ends_before_it(model, ids):
    found = log_likelihood(model, ids, mask="bidirectional")
    assert found.positions.tolist() == list(range(1, len(ids)))
    for place, logprob in zip(found.positions, found.logprobs, strict=True):
        # The last token of this text is the place itself, so what foresees it is the row before;
        # a mask that shows that row the place would score it by what it is asked for.
        batch = torch.tensor([ids[:place]])
        both_ways = torch.zeros(1, 1, place, place)
        with torch.no_grad():
            logits = model.module(batch, attention_mask=both_ways, use_cache=False).logits[0, -1]
        expected = logits.double().log_softmax(-1)[ids[place]].item()
        assert logprob == pytest.approx(expected, abs=CLOSE)
    n_tokens = len(ids)
    assert (found.n_passes, found.n_rows) == (n_tokens - 1, n_tokens * (n_tokens - 1) // 2)


@pytest.mark.parametrize("mask", ["causal", "bidirectional"])
def test_what_comes_later_does_not_change_a_score(model, ids, mask):
    cut = len(ids) // 2
    whole = log_likelihood(model, ids, mask=mask).logprobs[: cut - 1]
    assert log_likelihood(model, ids[:cut], mask=mask).logprobs == pytest.approx(whole, abs=CLOSE)


def test_the_masks_make_a_difference(model, bert, ids):
    both = [log_likelihood(model, ids, mask=mask).mean for mask in ("causal", "bidirectional")]
    assert abs(both[0] - both[1]) > 0.01
    both = [
        pseudo_log_likelihood(bert, bert.tokenize("The cat sat"), mask=mask).mean
        for mask in ("causal", "bidirectional")
    ]
    assert abs(both[0] - both[1]) > 0.01


@pytest.mark.parametrize("mask", ["causal", "bidirectional"])
@pytest.mark.parametrize("at_once", [1, 10**9])
def test_a_pseudo_score_is_that_of_the_token_hidden_alone(bert, monkeypatch, mask, at_once):
    monkeypatch.setattr(scoring, "LOGITS_AT_ONCE", at_once)
    ids = bert.tokenize("The cat sat on the mat")
    row = MaskedEnds.of(bert).around(ids)
    found = pseudo_log_likelihood(bert, ids, mask=mask)
    for place, logprob in zip(found.positions, found.logprobs, strict=True):
        encoding = trace_encoding(bert, row, mask=mask, hide=[place + 1])
        assert logprob == pytest.approx(encoding.label_logprobs[place + 1], abs=CLOSE)
    assert (found.n_passes, found.n_rows) == (len(ids), len(ids) * len(row))


def test_some_positions_have_the_scores_that_they_have_among_all(model, bert, ids):
    some = log_likelihood(model, ids, positions=[2, 5])
    assert some.logprobs == pytest.approx(log_likelihood(model, ids).logprobs[[1, 4]], abs=CLOSE)
    words = bert.tokenize("The cat sat on")
    some = pseudo_log_likelihood(bert, words, positions=[1])
    whole = pseudo_log_likelihood(bert, words)
    assert some.logprobs == pytest.approx(whole.logprobs[[1]], abs=CLOSE)


def test_one_token_alone_has_nothing_to_be_scored_by(model, ids):
    found = log_likelihood(model, ids[:1])
    assert found.logprobs.size == 0
    assert np.isnan(found.mean)
    assert found.total == 0


def test_progress_is_told_and_cancelling_ends_the_work(model, bert, ids, monkeypatch):
    told = []
    log_likelihood(model, ids, progress=lambda done, n: told.append((done, n)))
    assert told == [(len(ids) - 1, len(ids) - 1)]
    told.clear()
    log_likelihood(model, ids, mask="bidirectional", progress=lambda done, n: told.append(done))
    assert told == list(range(1, len(ids)))
    with pytest.raises(RunCancelledError):
        log_likelihood(model, ids, mask="bidirectional", cancel=lambda: len(told) > 3)
    monkeypatch.setattr(scoring, "LOGITS_AT_ONCE", 1)
    ids = bert.tokenize("The cat sat")
    told = []
    pseudo_log_likelihood(bert, ids, progress=lambda done, n: told.append((done, n)))
    assert told == [(done + 1, len(ids)) for done in range(len(ids))]
    with pytest.raises(RunCancelledError):
        pseudo_log_likelihood(bert, ids, cancel=lambda: True)


def test_bad_input_is_refused_in_words(model, bert, ids):
    for score, right, wrong in (
        (log_likelihood, model, bert),
        (pseudo_log_likelihood, bert, model),
    ):
        with pytest.raises(ModelFamilyError, match="Only a"):
            score(wrong, [5, 6])
        with pytest.raises(PromptError, match="empty"):
            score(right, [])
        with pytest.raises(OptionsError, match="vocabulary"):
            score(right, [5, 10**6])
        with pytest.raises(OptionsError, match="position"):
            score(right, [5, 6], positions=[2])
        with pytest.raises(ContextLengthError, match="Shorten it to"):
            score(right, [5] * (right.card.n_ctx + 1))
    with pytest.raises(OptionsError, match="from 1 to"):
        log_likelihood(model, ids, positions=[0])


def test_scoring_leaves_the_models_as_they_were(model, bert, ids):
    before = state_of(model), state_of(bert)
    log_likelihood(model, ids, mask="bidirectional")
    pseudo_log_likelihood(bert, bert.tokenize("The cat"), mask="causal")
    assert (state_of(model), state_of(bert)) == before


@pytest.mark.parametrize(("score", "which"), [(log_likelihood, 0), (pseudo_log_likelihood, 1)])
def test_a_mask_is_known_by_its_name_and_the_models_own_is_the_usual_one(model, bert, score, which):
    one = (model, bert)[which]
    own, other = (("causal", "bidirectional"), ("bidirectional", "causal"))[which]
    words = one.tokenize("The cat sat on the mat")
    usual = score(one, words).logprobs.tolist()
    assert score(one, words, mask="model").logprobs.tolist() == usual
    assert score(one, words, mask=own).logprobs.tolist() == usual
    assert score(one, words, mask=other).logprobs.tolist() != usual
    for wrong in ("both", None, np.zeros((2, 2))):
        with pytest.raises(OptionsError, match="model, causal or bidirectional"):
            score(one, words, mask=wrong)


@pytest.mark.parametrize("ids", ["abc", b"ab", None, 5, [1.9, 2.9]])
def test_tokens_and_positions_are_lists_of_whole_numbers(model, bert, ids):
    for score, one in ((log_likelihood, model), (pseudo_log_likelihood, bert)):
        with pytest.raises(OptionsError, match="must be a list of whole numbers"):
            score(one, ids)
        if ids is not None:
            with pytest.raises(OptionsError, match="must be a list of whole numbers"):
                score(one, [5, 6, 7], positions=ids)


def test_what_the_fix_says_can_be_done(model, bert):
    with pytest.raises(ContextLengthError, match="let fewer than 102 tokens be added"):
        write_by_appending(bert, bert.tokenize("The cat"), 100)
    with pytest.raises(OptionsError, match="It has 1 token, and nothing stands before it"):
        log_likelihood(model, [5], positions=[0])


@pytest.fixture
def overflown(model, bert):
    """Both models with numbers that leave the range of their format."""
    both = []
    for one, head in ((model, "transformer.ln_f"), (bert, "cls.predictions.transform.LayerNorm")):
        module = deepcopy(one.module)
        module.get_submodule(head).weight.data.fill_(1e38)
        module.get_submodule(head).bias.data.fill_(1e38)
        both.append(replace(one, module=module))
    return both


def test_numbers_that_are_not_finite_are_no_scores(overflown):
    gpt2, bert = overflown
    ids, words = gpt2.tokenize("The cat sat"), bert.tokenize("The cat sat")
    for work in (
        lambda: log_likelihood(gpt2, ids),
        lambda: pseudo_log_likelihood(bert, words),
        lambda: fill_from_left(gpt2, ids, 1),
        lambda: fill_by_trying(gpt2, ids, 1, [3, 4]),
        lambda: fill_from_both_sides(bert, words, 1),
        lambda: write_by_appending(bert, words, 2),
        lambda: write_by_refining(bert, words, 2),
    ):
        with pytest.raises(ModelFilesError, match="numbers that are not finite"):
            work()


def test_a_mark_that_the_model_does_not_know_is_refused_before_the_pass(bert, monkeypatch):
    monkeypatch.setattr(type(bert._tokenizer), "mask_token_id", bert.card.d_vocab, raising=False)
    with pytest.raises(ModelFamilyError, match="that the model knows"):
        pseudo_log_likelihood(bert, [5, 6])
