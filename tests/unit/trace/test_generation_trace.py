from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from kvviz.errors import TraceError
from kvviz.trace import GenerationOptions
from tests.factories import make_card, make_trace

TRACE = make_trace()
UNCACHED = make_trace(use_cache=False)


def with_step(trace, number, **change):
    steps = list(trace.steps)
    steps[number] = replace(steps[number], **change)
    return {"steps": steps}


def changed(array, index, value):
    array = array.copy()
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n_prompt": 0}, "holds a prompt"),
        ({"n_prompt": 7}, "holds a prompt"),
        ({"tokens": TRACE.tokens[:-1]}, "holds a prompt"),
        ({"steps": TRACE.steps[:-1]}, "comes from one step"),
        ({"model": make_card(n_ctx=5)}, "positions"),
        ({"model": make_card(d_vocab=8)}, "vocabulary"),
        ({"queries": TRACE.queries[:, :1]}, "queries does not have the shape"),
        ({"all_keys": TRACE.all_keys[:, :, 1:]}, "all_keys does not have the shape"),
        ({"all_values": TRACE.all_values[..., :2]}, "all_values does not have the shape"),
        ({"all_keys": TRACE.all_keys.astype(np.float64)}, "all_keys must be an array of float32"),
        ({"all_values": changed(TRACE.all_values, (0, 0, 0, 0), np.nan)}, "not finite"),
        ({"queries": changed(TRACE.queries, (0, 0, 0, 0), np.inf)}, "not finite"),
        ({"queries": TRACE.queries * 1e20, "all_keys": TRACE.all_keys * 1e20}, "overflow"),
        ({"score_scale": TRACE.score_scale[:1]}, "score_scale"),
        ({"score_scale": TRACE.score_scale * np.float32("nan")}, "not finite"),
        ({"token_ids": TRACE.token_ids.astype(np.int32)}, "token_ids must be an array of int64"),
        ({"token_ids": changed(TRACE.token_ids, 0, -1)}, "vocabulary"),
        ({"token_ids": changed(TRACE.token_ids, 0, 64)}, "vocabulary"),
        ({"written_fingerprints": TRACE.written_fingerprints[:1]}, "written_fingerprints"),
        ({"final_fingerprints": TRACE.final_fingerprints[:, :, :2]}, "final_fingerprints"),
        ({"stopped": "bored"}, "known way"),
        ({"options": GenerationOptions(2)}, "as many steps"),
        ({"options": GenerationOptions(9)}, "as many steps"),
        ({"options": GenerationOptions(3, use_cache=False)}, "kind of run"),
        ({"vocabulary": {}}, "has a text"),
        ({"prompt": "half a character: \ud83d"}, "Unicode"),
        ({"tokens": ["\udc00", *TRACE.tokens[1:]]}, "Unicode"),
        (with_step(TRACE, 1, chosen_id=63), "kind of run"),
        (with_step(TRACE, 2, fed=np.arange(4, 6)), "kind of run"),
        (with_step(TRACE, 2, computed=np.arange(0)), "kind of run"),
        (with_step(TRACE, 2, reused=np.arange(4)), "kind of run"),
        (with_step(TRACE, 2, index=1), "kind of run"),
        (with_step(TRACE, 2, max_row_change=1e-9), "do not move"),
        (
            with_step(
                TRACE,
                2,
                top_ids=TRACE.steps[2].top_ids[:2],
                top_probs=TRACE.steps[2].top_probs[:2],
                top_sampling_probs=TRACE.steps[2].top_sampling_probs[:2],
            ),
            "same number",
        ),
    ],
)
def test_a_trace_whose_parts_contradict_each_other_is_refused(change, words):
    with pytest.raises(TraceError, match=words):
        replace(TRACE, **change)


def test_rows_may_move_only_where_they_are_computed_again():
    replace(UNCACHED, **with_step(UNCACHED, 1, max_row_change=0.5))
    with pytest.raises(TraceError, match="do not move"):
        replace(UNCACHED, **with_step(UNCACHED, 0, max_row_change=0.5))


def test_a_run_may_end_before_the_number_asked_for_if_it_says_why():
    for stopped in ("end-of-text", "cancelled"):
        replace(TRACE, options=GenerationOptions(9), stopped=stopped)


def test_arrays_of_a_trace_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        TRACE.queries[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        TRACE.keys(0)[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        TRACE.token_ids[0] = 0


def test_a_pattern_is_softmax_over_the_keys_that_a_query_may_see():
    query, key = TRACE.queries[1, 0], TRACE.keys(1)[0]
    row = np.exp(key[:4] @ query[3] * 0.5)
    # float32 rounding of sums of four terms.
    np.testing.assert_allclose(TRACE.pattern(1, 0)[3, :4], row / row.sum(), rtol=1e-5)


def test_heads_that_share_keys_use_the_right_ones():
    trace = make_trace(n_heads=4, n_kv_heads=2)
    expected = trace.queries[0, 3] @ trace.all_keys[0, 1].T * trace.score_scale[0]
    lower = np.tril_indices(trace.n_rows)
    np.testing.assert_array_equal(trace.scores(0, 3)[lower], expected[lower])


@pytest.mark.parametrize("layer", [-1, 2])
def test_a_layer_that_does_not_exist_is_refused(layer):
    for ask in (TRACE.keys, TRACE.values, lambda layer: TRACE.pattern(layer, 0)):
        with pytest.raises(TraceError, match=f"no layer {layer}"):
            ask(layer)


def test_a_head_that_does_not_exist_is_refused():
    with pytest.raises(TraceError, match="no head 2"):
        TRACE.scores(0, 2)


def test_reuse_is_proven_only_by_equal_fingerprints():
    assert TRACE.reuse_is_proven
    final = changed(TRACE.final_fingerprints, (0, 0, 0), 1)
    assert not replace(TRACE, final_fingerprints=final).reuse_is_proven


def test_a_trace_says_in_a_line_what_it_is():
    assert repr(TRACE) == "<GenerationTrace tests/random: 4 + 3 tokens, with cache>"
    assert "without cache" in repr(UNCACHED)
    assert TRACE.text == "".join(TRACE.tokens)


def test_the_smallest_trace_is_one_token_and_one_step():
    trace = make_trace(n_prompt=1, n_new=1)
    assert (trace.n_rows, len(trace.steps)) == (1, 1)
    assert trace.pattern(0, 0).tolist() == [[1.0]]


def test_a_trace_may_fill_context_and_vocabulary_to_their_ends():
    card = make_card(n_ctx=6, d_vocab=64)
    trace = make_trace(card=card, token_ids=[0, 63, 0, 63, 0, 63, 0])
    assert trace.n_rows == card.n_ctx


@pytest.mark.parametrize(
    ("queries", "keys", "scale"), [(1e38, 1.0, 10.0), (1.0, 1e38, 10.0), (1e18, 1e18, 1e3)]
)
def test_no_scores_may_overflow_whichever_factor_is_large(queries, keys, scale):
    parts = {
        "queries": np.full_like(TRACE.queries, queries),
        "all_keys": np.full_like(TRACE.all_keys, keys),
        "score_scale": np.full_like(TRACE.score_scale, scale),
    }
    with pytest.raises(TraceError, match="overflow"):
        replace(TRACE, **parts)


def test_large_scores_still_make_a_pattern():
    sharp = replace(TRACE, queries=TRACE.queries * np.float32(1e4))
    rows = np.nansum(sharp.pattern(0, 0), axis=1)
    np.testing.assert_allclose(rows, 1, atol=1e-6)  # float32 rounding of six weights


def test_a_trace_is_frozen_and_is_the_same_only_as_itself():
    with pytest.raises(FrozenInstanceError):
        TRACE.prompt = "another"
    assert replace(TRACE) != TRACE
    assert len({TRACE, replace(TRACE)}) == 2
