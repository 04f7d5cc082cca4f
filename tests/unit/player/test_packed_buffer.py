import numpy as np
import pytest

from kvviz.errors import PayloadError
from kvviz.player import packed_buffer
from tests.payload_reader import FRAME, unpack

WHOLE = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


@pytest.mark.parametrize("dtype", FRAME["dtypes"].values())
@pytest.mark.parametrize("shape", [(3,), (2, 3), (0, 4), ()])
def test_header_and_arrays_come_back(dtype, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    header, arrays = unpack(packed_buffer.pack({"what": "␣é"}, [("first", array), ("x", WHOLE)]))
    assert header["what"] == "␣é"
    assert list(arrays) == ["first", "x"]
    assert arrays["first"].dtype == array.dtype
    assert np.array_equal(arrays["first"], array)
    assert np.array_equal(arrays["x"], WHOLE)


@pytest.mark.parametrize("odd", [WHOLE.T, WHOLE[:, ::-1], WHOLE.astype(">f4")])
def test_the_order_in_memory_does_not_matter(odd):
    _, arrays = unpack(packed_buffer.pack({}, [("odd", odd)]))
    assert np.array_equal(arrays["odd"], odd)


def test_an_array_that_no_browser_is_told_to_read_is_refused():
    with pytest.raises(
        PayloadError, match=r"The array weights cannot be packed\. It is of float64"
    ):
        packed_buffer.pack({}, [("weights", WHOLE.astype(np.float64))])
