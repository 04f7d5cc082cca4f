from dataclasses import replace

import numpy as np
import pytest

from kvviz.analysis import agreement
from kvviz.trace import CacheComparison
from tests.factories import make_comparison, make_trace


def test_runs_that_agree():
    found = agreement(make_comparison(n_new=3))
    assert (found.same_tokens, found.n_same, found.parts_at) == (True, 3, None)
    assert found.worst_step == 2
    assert found.sentence() == (
        "Same 3 tokens both ways; largest logit difference 2.0e-06 (float32)."
    )


def test_one_token_is_not_counted():
    assert agreement(make_comparison(n_new=1)).sentence().startswith("Same token both ways;")


def test_logits_that_agree_to_the_bit():
    same = replace(make_comparison(), logit_differences=np.zeros(3))
    assert "not a bit of any logit differs" in agreement(same).sentence()


@pytest.mark.parametrize(("place", "n_same", "words"), [(4, 0, "0 steps"), (5, 1, "1 step ")])
def test_runs_that_part(place, n_same, words):
    cached = make_trace()
    ids = cached.token_ids.copy()
    ids[place] = (ids[place] + 1) % 64
    uncached = make_trace(use_cache=False, token_ids=ids)
    found = agreement(CacheComparison(cached, uncached, np.zeros(n_same + 1)))
    assert (found.same_tokens, found.n_same, found.parts_at) == (False, n_same, n_same)
    assert f"part at step {n_same}" in found.sentence()
    assert words in found.sentence()


def test_a_run_that_ends_before_the_other():
    longer = make_trace(n_new=4)
    shorter = make_trace(n_new=2, use_cache=False, token_ids=longer.token_ids[:6])
    longer = replace(longer, prompt=shorter.prompt)
    found = agreement(CacheComparison(longer, shorter, np.zeros(2)))
    assert (found.same_tokens, found.n_same, found.parts_at) == (False, 2, 2)
