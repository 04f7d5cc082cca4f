from dataclasses import replace

import numpy as np
import pytest

from kvviz.analysis import ROWS_A_BLOCK, all_role_scores, head_roles, probe_prompt, role_scores
from kvviz.analysis.roles import MIN_QUERIES, PROBE_WORDS, THRESHOLDS
from kvviz.errors import PatternError
from tests.factories import make_card, make_trace

N_WORDS = 12
REPEATED = np.tile(np.random.default_rng(0).permutation(64)[:N_WORDS], 3)


def looking_at(targets: np.ndarray, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return queries and keys of one head whose query i looks at key targets[i] alone."""
    keys = np.eye(n_rows, dtype=np.float32)
    queries = np.zeros((n_rows, n_rows), dtype=np.float32)
    queries[np.arange(n_rows), targets] = 100.0
    return queries, keys


def made_trace():
    """A run with a previous-token, a first-token, an induction and a self-looking head."""
    n_rows = REPEATED.size
    trace = make_trace(
        n_prompt=n_rows, n_new=1, n_layers=2, n_heads=2, d_head=n_rows,
        token_ids=np.append(REPEATED, 0),
    )  # fmt: skip
    here = np.arange(n_rows)
    behind = np.maximum(here - 1, 0)
    repeat = np.where(here >= N_WORDS, here - N_WORDS + 1, here)
    heads = [[behind, np.zeros_like(here)], [repeat, here]]
    pairs = [[looking_at(targets, n_rows) for targets in layer] for layer in heads]
    rows = np.array(pairs).astype(np.float32)
    return replace(
        trace,
        queries=np.ascontiguousarray(rows[:, :, 0]),
        all_keys=np.ascontiguousarray(rows[:, :, 1]),
        score_scale=np.ones(2, dtype=np.float32),
    )


def test_each_role_is_found_in_the_head_that_plays_it():
    found = [(role.layer, role.head, role.role) for role in head_roles(made_trace())]
    assert found == [(0, 0, "previous-token"), (0, 1, "first-token"), (1, 0, "induction")]
    # exp(-100) of attention elsewhere is 0 in float32.
    assert [role.score for role in head_roles(made_trace())] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("n_times", [1, 5])
def test_scores_of_one_pattern_are_those_of_the_whole_run(n_times):
    ids = np.append(np.tile(REPEATED, n_times), 0)
    assert n_times == 1 or ids.size > 2 * ROWS_A_BLOCK
    trace = make_trace(n_prompt=ids.size - 1, n_new=1, n_heads=3, token_ids=ids)
    scores = all_role_scores(trace)
    for layer in range(2):
        for head in range(3):
            one = role_scores(trace.pattern(layer, head), trace.token_ids[:-1])
            # Two orders of float32 summing.
            assert one.previous_token == pytest.approx(
                scores["previous-token"][layer, head], abs=1e-6
            )
            assert one.first_token == pytest.approx(scores["first-token"][layer, head], abs=1e-6)
            assert one.induction == pytest.approx(scores["induction"][layer, head], abs=1e-6)


def test_scores_are_means_that_one_can_check_by_hand():
    ids = np.arange(10)
    pattern = np.tril(np.ones((10, 10))) / np.arange(1, 11)[:, None]
    scores = role_scores(pattern, ids)
    alike = np.mean([1 / n for n in range(3, 11)])
    assert scores.previous_token == pytest.approx(alike)
    assert scores.first_token == pytest.approx(alike)
    assert scores.previous_token < THRESHOLDS["previous-token"] / 2
    assert scores.induction is None


@pytest.mark.parametrize(("share", "has_role"), [(0.39, False), (0.41, True)])
def test_a_role_begins_at_the_threshold(share, has_role):
    trace = made_trace()
    n_rows = trace.n_rows
    # Two keys share the attention of each query: the previous one gets `share`, itself the rest.
    queries = np.zeros((n_rows, n_rows), dtype=np.float32)
    here = np.arange(1, n_rows)
    queries[here, here - 1] = 50 + np.log(share)
    queries[here, here] = 50 + np.log(1 - share)
    trace = replace(trace, queries=np.broadcast_to(queries, trace.queries.shape).copy())
    found = {role.role for role in head_roles(trace)}
    assert ("previous-token" in found) == has_role


def test_induction_is_not_claimed_where_another_role_would_look_the_same():
    # "a b a b ...": the token after the last occurrence is the one just before.
    ids = np.tile([1, 2], 12)
    behind = np.eye(24)[np.maximum(np.arange(24) - 1, 0)]
    scores = role_scores(behind, ids)
    assert scores.previous_token == 1.0
    assert scores.induction is None


def test_induction_begins_where_its_target_is_two_positions_back():
    ids = np.tile([1, 2, 3], 8)
    two_back = np.eye(24)[np.maximum(np.arange(24) - 2, 0)]
    assert role_scores(two_back, ids).induction == 1.0


def test_the_last_earlier_occurrence_counts():
    ids = np.array([7, 1, 2, 7, 3, 4, 7, 5, 6, 7, 8, 9, 7, 1, 2, 7, 3, 4, 7, 5, 6, 7, 8, 9])
    last = {}
    pattern = np.eye(24)
    for position, token in enumerate(ids):
        if token in last:
            pattern[position] = np.eye(24)[last[token] + 1]
        last[token] = position
    assert role_scores(pattern, ids).induction == 1.0


def test_too_short_a_text_makes_no_role():
    enough = MIN_QUERIES + 2
    for n_rows, expected in ((enough - 1, False), (enough, True)):
        looks_behind = np.eye(n_rows)[np.maximum(np.arange(n_rows) - 1, 0)]
        scores = role_scores(looks_behind, np.arange(n_rows))
        assert (scores.previous_token is not None) == expected
    assert head_roles(make_trace(n_prompt=2, n_new=1)) == ()


def test_a_text_without_repeats_has_no_induction_scores():
    trace = make_trace(n_prompt=30, n_new=1, token_ids=np.arange(31))
    assert set(all_role_scores(trace)) == {"previous-token", "first-token"}


def test_the_token_that_was_not_fed_is_left_out():
    ids = np.append(np.arange(20), 3)
    assert "induction" not in all_role_scores(make_trace(n_prompt=20, n_new=1, token_ids=ids))


@pytest.mark.parametrize(
    ("pattern", "ids"), [(np.eye(3), [1, 2]), (np.ones((2, 3)), [1, 2]), (np.ones(3), [1, 2, 3])]
)
def test_a_pattern_and_tokens_that_do_not_fit_are_refused(pattern, ids):
    with pytest.raises(PatternError, match="square"):
        role_scores(pattern, ids)


def test_a_probe_says_different_words_twice_in_the_same_order():
    words = probe_prompt(seed=1).split(" ")
    assert len(set(words)) == PROBE_WORDS
    assert words == words[:PROBE_WORDS] * 2
    assert probe_prompt(seed=1) == probe_prompt(seed=1)
    assert probe_prompt(seed=1) != probe_prompt(seed=2)


def test_roles_of_a_model_with_a_position_bias_are_read_off_its_biased_patterns():
    trace = make_trace(1, 12, card=make_card(2, 3, 4, family="t5"))
    scores = all_role_scores(trace)
    rows = np.arange(2, 12)  # on row 1 the previous token is the first one as well
    for layer in range(2):
        for head in range(3):
            pattern = trace.pattern(layer, head)
            assert scores["previous-token"][layer, head] == pytest.approx(
                pattern[rows, rows - 1].mean(),
                rel=1e-5,  # summed in another order, in float32
            )
