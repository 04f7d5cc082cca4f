import dataclasses
import io
from dataclasses import replace

import numpy as np
import pytest

from kvviz.errors import TraceError, TraceFileError
from kvviz.trace import CrossAttention, EncodingTrace
from kvviz.trace.storage import open_trace
from tests.factories import make_card, make_encoding, make_trace
from tests.trace_files import header_of, members, saved, with_array, with_header, zipped

CARD = make_card(family="t5", n_encoder_layers=3)
TRACE = make_trace(n_prompt=1, n_new=4, card=CARD)
DATA = saved(TRACE)
HEADER = header_of(DATA)


def opened(data):
    return open_trace(io.BytesIO(data))


def test_a_cross_pattern_is_the_softmax_over_the_encoder():
    scores = TRACE.cross.queries[1, 0].astype(np.float64) @ TRACE.cross_keys(1)[0].T
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    pattern = TRACE.cross_pattern(1, 0)
    assert pattern.shape == (TRACE.n_rows, 5)
    np.testing.assert_allclose(pattern, expected, atol=1e-6)  # float32 products


def test_a_position_bias_moves_the_scores_of_the_decoder():
    products = TRACE.queries[0, 1] @ TRACE.keys(0)[1].T
    below = np.tril_indices(TRACE.n_rows)
    np.testing.assert_array_equal(
        TRACE.scores(0, 1)[below], (products + TRACE.position_bias[1])[below]
    )
    assert np.isnan(TRACE.pattern(0, 1)[np.triu_indices(TRACE.n_rows, 1)]).all()


def test_the_encoder_and_its_rows_are_given():
    assert TRACE.encoder.model.n_layers == 3
    np.testing.assert_array_equal(TRACE.cross_values(1), TRACE.cross.values[1])
    assert TRACE.cross_keys(0).shape == (2, 5, 4)


def test_cross_rows_that_moved_are_not_proven_reused():
    assert TRACE.reuse_is_proven
    moved = TRACE.cross.final_fingerprints.copy()
    moved[1, 0, 2] += 1
    assert not replace(TRACE, cross=replace(TRACE.cross, final_fingerprints=moved)).reuse_is_proven


@pytest.mark.parametrize(
    "ask",
    [
        lambda trace: trace.encoder,
        lambda trace: trace.cross_keys(0),
        lambda trace: trace.cross_values(0),
        lambda trace: trace.cross_pattern(0, 0),
    ],
)
def test_a_model_without_an_encoder_has_no_cross_attention(ask):
    with pytest.raises(TraceError, match="Only a T5"):
        ask(make_trace())


def steps_with(index, **changes):
    steps = list(TRACE.steps)
    steps[index] = replace(steps[index], **changes)
    return {"steps": steps}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cross": None}, "cross-attention and a position bias"),
        ({"position_bias": None}, "cross-attention and a position bias"),
        ({"position_bias": TRACE.position_bias[:, 1:]}, "position_bias does not have the shape"),
        (
            {"cross": replace(TRACE.cross, encoder=make_encoding(family="t5", n_layers=2))},
            "of one model",
        ),
        (
            {"cross": replace(TRACE.cross, keys=TRACE.cross.keys[:, :, 1:])},
            "cross keys does not have",
        ),
        (
            {"cross": replace(TRACE.cross, values=TRACE.cross.values * np.float32(np.nan))},
            "cross values holds a number that is not finite",
        ),
        (
            {"cross": replace(TRACE.cross, queries=TRACE.cross.queries[:, :, :1])},
            "cross queries does not have",
        ),
        (
            {"cross": replace(TRACE.cross, final_fingerprints=TRACE.cross.final_fingerprints[:1])},
            "cross final_fingerprints",
        ),
        (steps_with(0, cross_computed=np.arange(4)), "computed 4 and reused 0 of 5"),
        (steps_with(1, cross_computed=np.arange(5)), "computed 5 and reused 5 of 5"),
        (steps_with(2, cross_reused=np.arange(0)), "computed 0 and reused 0 of 5"),
    ],
)
def test_parts_that_contradict_each_other_are_refused(changes, words):
    with pytest.raises(TraceError, match=words):
        replace(TRACE, **changes)


def test_cross_rows_in_a_model_without_an_encoder_are_refused():
    trace = make_trace()
    step = replace(trace.steps[0], cross_computed=np.arange(2))
    with pytest.raises(TraceError, match="computed 2 and reused 0 of 0"):
        replace(trace, steps=[step, *trace.steps[1:]])


@pytest.mark.parametrize("use_cache", [True, False])
def test_what_was_saved_comes_back(use_cache):
    trace = make_trace(n_prompt=1, n_new=4, card=CARD, use_cache=use_cache, n_encoder=9)
    back = opened(saved(trace))
    assert back.model == trace.model
    np.testing.assert_array_equal(back.position_bias, trace.position_bias)
    for field in dataclasses.fields(CrossAttention)[1:]:
        one, other = getattr(back.cross, field.name), getattr(trace.cross, field.name)
        np.testing.assert_array_equal(one, other)
    for field in dataclasses.fields(EncodingTrace):
        one, other = getattr(back.encoder, field.name), getattr(trace.encoder, field.name)
        np.testing.assert_array_equal(one, other)
    for one, other in zip(back.steps, trace.steps, strict=True):
        for name, value in vars(other).items():
            np.testing.assert_array_equal(getattr(one, name), value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoder": None}, "says nothing of the encoder"),
        ({"encoder": {}}, "lacks or adds"),
        ({"encoder": HEADER["encoder"] | {"tokens": ["a"]}}, "cross_computed of step 0"),
        ({"kind": "encoding"}, "lacks or adds"),
        ({"format": 1}, "encoder"),
        (
            {"steps": [one | {"cross_reused": [0, 6]} for one in HEADER["steps"]]},
            "cross_reused of step 0",
        ),
        (
            {"steps": [one | {"cross_reused": [0, 5]} for one in HEADER["steps"]]},
            "Cross-attention rows are computed at the first step",
        ),
        (
            {
                "steps": [
                    {k: v for k, v in one.items() if k != "cross_reused"} for one in HEADER["steps"]
                ]
            },
            "lacks or adds cross_reused",
        ),
    ],
)
def test_a_header_that_says_something_else_is_refused(changes, words):
    with pytest.raises(TraceFileError, match=words):
        opened(with_header(DATA, HEADER | changes))


@pytest.mark.parametrize("name", ["cross_keys", "encoder_all_keys", "position_bias"])
def test_an_array_that_is_missing_or_of_another_shape_is_refused(name):
    parts = members(DATA)
    with pytest.raises(TraceFileError, match=f"lacks or adds {name}"):
        opened(zipped({part: data for part, data in parts.items() if part != f"{name}.npy"}))
    with pytest.raises(TraceFileError, match="declares"):
        opened(with_array(DATA, name, np.zeros((1, 2, 3), np.float32)))
