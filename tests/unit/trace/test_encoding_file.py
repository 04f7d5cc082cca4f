import dataclasses
import io

import numpy as np
import pytest

from kvviz.errors import TraceFileError
from kvviz.trace import EncodingTrace, GenerationTrace
from kvviz.trace.storage import open_trace
from tests.factories import make_encoding, make_trace
from tests.trace_files import header_of, saved, with_array, with_header

ENCODING = make_encoding(hide=(2,))
DATA = saved(ENCODING)
HEADER = header_of(DATA)


def opened(data, **settings):
    return open_trace(io.BytesIO(data), **settings)


@pytest.mark.parametrize(
    "enc",
    [
        ENCODING,
        make_encoding(family="gpt2", mask="bidirectional"),
        make_encoding(family="t5"),
        make_encoding(has_head=False, n_tokens=1),
    ],
    ids=["bert", "gpt2", "t5", "headless"],
)
def test_what_was_saved_comes_back(tmp_path, enc):
    enc.save(tmp_path / "enc.npz")
    back = open_trace(tmp_path / "enc.npz")
    assert isinstance(back, EncodingTrace)
    for field in dataclasses.fields(EncodingTrace):
        one, other = getattr(back, field.name), getattr(enc, field.name)
        assert type(one) is type(other), field.name
        np.testing.assert_array_equal(one, other, err_msg=field.name)
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype


def test_equal_encodings_make_equal_files():
    assert saved(make_encoding()) == saved(make_encoding())


def test_either_kind_is_refused_where_the_other_is_wanted():
    assert isinstance(opened(DATA, kind="encoding"), EncodingTrace)
    with pytest.raises(TraceFileError, match="holds an encoding, not a generation"):
        opened(DATA, kind="generation")
    run = saved(make_trace())
    assert isinstance(opened(run, kind="generation"), GenerationTrace)
    with pytest.raises(TraceFileError, match="holds a generation, not an encoding"):
        opened(run, kind="encoding")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "film"}, "format 2 of kind film"),
        ({"kind": None}, "format 2 of kind None"),
        ({"kind": ["encoding"]}, "does not know"),
        ({"kind": "generation"}, "format 2 of kind generation"),
        ({"format": 1}, "lacks or adds"),
        ({"format": 3}, "It says format 3"),
        ({"format": [2]}, "does not know"),
        ({"extra": 1}, "extra"),
        ({"mask": "none"}, "mask in its header is none"),
        ({"mask": ["causal"]}, "mask in its header"),
        ({"seconds": 1}, "seconds in its header"),
        ({"flops": -1}, "flops in its header"),
        ({"n_likely": -1}, "n_likely in its header"),
        ({"has_position_bias": 1}, "has_position_bias in its header"),
        ({"has_position_bias": True}, "lacks or adds position_bias"),
        ({"hidden_positions": ["2"]}, "hidden_positions in its header"),
        ({"hidden_positions": [2, 2]}, "ascend"),
        ({"text": 3}, "text is no text"),
        ({"text": ""}, "stands for characters"),
        ({"vocabulary": {"x": "y"}}, "no token id"),
        ({"environment": {"a": 1}}, "environment in its header"),
        ({"model": {}}, "fields that a card has"),
        ({"tokens": HEADER["tokens"][1:]}, "declares"),
    ],
)
def test_a_header_that_says_something_else_is_refused(changes, words):
    with pytest.raises(TraceFileError, match=words):
        opened(with_header(DATA, HEADER | changes))


@pytest.mark.parametrize("name", ["special", "spans", "hidden_states", "label_logprobs"])
def test_arrays_of_another_type_or_shape_are_refused(name):
    array = getattr(ENCODING, name)
    for other in (array[:-1], array.astype(np.complex64)):
        with pytest.raises(TraceFileError, match="declares"):
            opened(with_array(DATA, name, other))
