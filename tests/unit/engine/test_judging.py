"""A way of keeping rows is judged by a text: losses, divergences, and which costs more."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import kvviz
from kvviz import caches, load_model
from kvviz.engine import judge_all, log_likelihood
from kvviz.errors import (
    ContextLengthError,
    ModelFamilyError,
    OptionsError,
    PromptError,
    RunCancelledError,
)
from tests.unit.engine.conftest import state_of

TEXT = "The cat sat on the mat, and the dog sat by the door."
STORY = (
    "Every morning the baker's boy carried two loaves of bread up the hill to the old lighthouse, "
    "and every morning the keeper gave him a shell for them. The boy put the shells in a box under "
    "his bed. When winter came the path was full of snow, and his mother said that he must stay at "
    "home. But the boy thought of the keeper, who had no bread, and he tied a rope around his "
    "waist and went out. The wind was so strong that he had to crawl. At the top of the hill he "
    "found the door of the lighthouse open and the lamp dark. The keeper lay in his bed and was "
    "ill. So the boy lit the lamp himself, and fed the keeper with bread and warm milk, and all "
    "night long he kept the light burning for the ships. In the morning the baker and his wife "
    "came up the hill with half of the town to look for their boy. They found the three of them at "
    "the table. The keeper had got up, and was telling the boy about a whale that he had once seen "
    "from the top of the tower, and how it had blown water as high as a house. The baker wanted to "
    "be angry, but he looked at the lamp and at the bread, and then he sat down too and asked for "
    "the end of the story. From that day on the whole town took turns. On Monday the smith went up "
    "the hill with a pot of soup, on Tuesday the teacher brought a book."
)


@pytest.fixture(scope="module")
def verdicts(model):
    ids = model.tokenize(TEXT)
    kinds = [caches.Full(), caches.Window(4), caches.HeavyHitters(1.0), caches.Recomputed()]
    before = state_of(model)
    found = judge_all(model, ids, kinds)
    assert state_of(model) == before
    return ids, found


def test_what_keeps_every_row_loses_nothing(model, verdicts):
    ids, (full, _window, all_of_them, recomputed) = verdicts
    for one in (full, all_of_them):
        assert np.array_equal(one.losses, one.full_losses)
        assert one.kl_nats == 0.0
        assert one.same_argmax == 1.0
        assert one.cache_bytes == one.full_cache_bytes == len(ids[1:]) * _row_bytes(model)
    scores = log_likelihood(model, ids)
    assert np.array_equal(scores.positions, full.positions)
    # One pass sums in another order than one a token: some roundings of float32.
    np.testing.assert_allclose(full.losses, -scores.logprobs, atol=1e-4)
    np.testing.assert_allclose(recomputed.losses, -scores.logprobs, atol=1e-4)
    assert recomputed.cache_bytes == 0


def test_a_window_is_judged_with_the_rows_that_it_keeps(model, verdicts):
    ids, (_full, window, *_others) = verdicts
    n = len(ids) - 1
    seen = torch.ones(n, n).tril().triu(-3).bool()
    mask = torch.zeros(1, 1, n, n).masked_fill(~seen, torch.finfo(torch.float32).min)
    with torch.no_grad():
        own, full = (
            model.module(torch.tensor([ids[:-1]]), attention_mask=one, use_cache=False)
            .logits[0]
            .double()
            .log_softmax(-1)
            for one in (mask, None)
        )
    wanted = torch.tensor(ids[1:])[:, None]
    np.testing.assert_allclose(window.losses, -own.gather(-1, wanted)[:, 0], atol=1e-4)
    divergence = (full.exp() * (full - own)).sum(-1)
    np.testing.assert_allclose(window.divergences, divergence, atol=1e-4)
    assert np.array_equal(window.same, (own.argmax(-1) == full.argmax(-1)).numpy())
    assert window.loss_nats == pytest.approx(window.losses.mean())
    assert window.full_loss_nats == pytest.approx(window.full_losses.mean())
    assert window.cache_bytes == 3 * _row_bytes(model)


def _row_bytes(model) -> int:
    return model.card.cache_bytes_per_token


def test_a_prompt_is_read_at_once_and_what_is_scored_begins_where_it_is_said(model):
    verdict = kvviz.judge(model, TEXT, caches.Observed(6, window=3), n_prompt=12, first=14)
    n = len(model.tokenize(TEXT))
    assert verdict.positions.tolist() == [*range(14, n)]
    assert verdict.cache_bytes == (n - 1 - 6) * _row_bytes(model)
    assert (verdict.divergences > 0).all()


@pytest.mark.parametrize(
    ("text", "options", "error", "words"),
    [
        ("", {}, PromptError, "empty"),
        ([3], {}, OptionsError, "Of a text of 1 token a prompt is 1 or more"),
        ([3] * 49, {}, ContextLengthError, "48"),
        ([3, 4], {"n_prompt": 2}, OptionsError, "Found 2"),
        ([3, 4, 5], {"n_prompt": 2, "first": 1}, OptionsError, "from 2 to 2"),
        ([3, 4, 5], {"cancel": lambda: True}, RunCancelledError, "cancelled"),
        ([3, 4, 5], {"cache": "window"}, OptionsError, "description of a way of keeping rows"),
    ],
)
def test_what_cannot_be_judged_is_refused(model, text, options, error, words):
    with pytest.raises(error, match=words):
        kvviz.judge(model, text, **{"cache": caches.Window(4), **options})


def test_a_bert_has_nothing_to_be_judged(bert):
    with pytest.raises(ModelFamilyError, match="Only a decoder"):
        kvviz.judge(bert, TEXT, caches.Window(4))


def test_sinks_save_a_window_and_a_score_alone_does_less_than_the_lot_with_sinks():
    """What the lab shows of the model that ships, on a text that it was not trained on.

    Signs and orders as measured on many texts; this one is short, so that only what is far apart is
    held.
    """
    model = load_model("kvviz/gpt2-mini", device="cpu")
    kinds = [
        caches.Window(32),
        caches.Window(28, sinks=4),
        caches.HeavyHitters(32),
        caches.Random(32, sinks=4),
    ]
    window, sinks, heavy, lot_with_sinks = (
        one.loss_nats - one.full_loss_nats
        for one in judge_all(model, STORY, kinds, n_prompt=120, first=250)
    )
    assert window > 2 * sinks > 0
    assert heavy > 2 * lot_with_sinks > 0
