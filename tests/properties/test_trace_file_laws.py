import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.errors import TraceFileError
from kvviz.trace import CrossAttention, EncodingTrace, GenerationTrace, Step
from kvviz.trace.storage import open_trace
from tests.factories import make_trace
from tests.properties.strategies import ALL, traces
from tests.trace_files import header_of, saved, with_header

SAMPLE = make_trace()
DATA = saved(SAMPLE)
HEADER = header_of(DATA)


def same(one, other) -> bool:
    """Whether two values are the same bit for bit, and of the same types."""
    if type(one) is not type(other):
        return False
    if isinstance(one, GenerationTrace | EncodingTrace | CrossAttention | Step):
        return all(same(value, vars(other)[name]) for name, value in vars(one).items())
    if isinstance(one, np.ndarray):
        alike = (one.dtype, one.shape) == (other.dtype, other.shape)
        return alike and one.tobytes() == other.tobytes()
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@given(traces(ALL) | traces(in_windows=True))
def test_what_was_saved_comes_back_bit_for_bit(trace):
    assert same(open_trace(io.BytesIO(saved(trace))), trace)


@given(st.data())
@settings(max_examples=300)
def test_a_file_with_changed_bytes_is_refused_or_means_the_same(data):
    broken = bytearray(DATA)
    for _ in range(data.draw(st.integers(1, 3))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(TraceFileError):
        assert same(open_trace(io.BytesIO(bytes(broken))), SAMPLE)


@given(st.integers(0, len(DATA) - 1))
def test_a_file_cut_anywhere_is_refused(n_bytes):
    with pytest.raises(TraceFileError):
        open_trace(io.BytesIO(DATA[:n_bytes]))


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_refused(content):
    for data in (content, b"PK\x03\x04" + content, content + DATA[-22:]):
        with pytest.raises(TraceFileError):
            open_trace(io.BytesIO(data))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


def places(value, path=()):
    """Yield the way to every value of a JSON tree."""
    yield path
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    for key, part in inner:
        yield from places(part, (*path, key))


def replaced(value, path, new):
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@given(st.sampled_from(list(places(HEADER))[1:]), JSON)
@settings(max_examples=500)
def test_a_header_with_anything_anywhere_is_a_trace_or_is_refused(path, new):
    with contextlib.suppress(TraceFileError):
        trace = open_trace(io.BytesIO(with_header(DATA, replaced(HEADER, path, new))))
        # Whatever opens can be used, and saved again.
        trace.pattern(0, 0)
        assert same(open_trace(io.BytesIO(saved(trace))), trace)
