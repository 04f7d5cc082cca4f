"""A file that was edited after it was saved is refused, however well its zip was made again."""

import io
import random
import re

import numpy as np
import pytest

from kvviz.errors import TraceFileError
from kvviz.trace.storage import open_trace
from tests.factories import make_card, make_comparison, make_encoding, make_trace
from tests.trace_files import header_of, members, saved, with_header, without_digest, zipped

FILES = {
    "a run": saved(make_trace()),
    "a run without the cache": saved(make_comparison().uncached),
    "a T5's run": saved(make_trace(card=make_card(family="t5"))),
    "an encoding": saved(make_encoding()),
}
DAMAGED = "What it holds is not what was saved"


def flipped(content: bytes, random: random.Random) -> bytes:
    """Return an array with one bit of its numbers flipped."""
    shape_ends = 10 + int.from_bytes(content[8:10], "little")
    place = random.randrange(8 * shape_ends, 8 * len(content))
    changed = bytearray(content)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


@pytest.mark.parametrize("kind", FILES)
def test_one_bit_of_any_array_is_seen(kind):
    parts, draw = members(FILES[kind]), random.Random(18)
    arrays = [name for name in parts if name != "header.npy" and len(parts[name]) > 128]
    for name in (*arrays, *draw.choices(arrays, k=40)):
        altered = zipped(parts | {name: flipped(parts[name], draw)})
        with pytest.raises(TraceFileError, match=DAMAGED):
            open_trace(io.BytesIO(altered))


@pytest.mark.parametrize("kind", FILES)
def test_a_header_that_says_another_time_is_seen(kind):
    data = FILES[kind]
    raw = members(data)["header.npy"]
    shape_ends = 10 + int.from_bytes(raw[8:10], "little")
    slower = re.sub(rb'"seconds":(\d)', rb'"seconds":9\1', raw[shape_ends:], count=1)
    assert slower != raw[shape_ends:]
    with pytest.raises(TraceFileError, match=DAMAGED):
        open_trace(io.BytesIO(with_header(data, slower)))


@pytest.mark.parametrize("digest", [7, None, ["0"], {}])
def test_a_digest_that_is_no_text_is_refused(digest):
    data = FILES["a run"]
    with pytest.raises(TraceFileError, match="checksum is no text") as refused:
        open_trace(io.BytesIO(with_header(data, header_of(data) | {"sha256": digest})))
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("family", ["gpt2", "t5"])
def test_rows_are_held_to_their_fingerprints_also_without_a_digest(family, dtype):
    """Of the bits that the model's number format has: a bfloat16 has half of those of a float32."""
    data = without_digest(saved(make_trace(card=make_card(family=family, dtype=dtype))))
    parts = members(data)
    open_trace(io.BytesIO(data))
    names = ["all_keys", "all_values", *(["cross_keys", "cross_values"] if family == "t5" else [])]
    for number, name in enumerate(names):
        content = bytearray(parts[f"{name}.npy"])
        content[-1] ^= 0x80  # the sign of the last number
        with pytest.raises(
            TraceFileError, match=f"the {'KV'[number % 2]} row of layer 1, position"
        ):
            open_trace(io.BytesIO(zipped(parts | {f"{name}.npy": bytes(content)})))


def test_rows_of_float64_are_held_to_the_digest_alone():
    trace = make_trace(card=make_card(dtype="float64"))
    assert not trace.written_fingerprints.any()
    assert np.array_equal(open_trace(io.BytesIO(saved(trace))).all_keys, trace.all_keys)
