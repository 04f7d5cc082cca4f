from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kvviz.engine.observing.fingerprints import RowFingerprint
from kvviz.trace.row_fingerprints import fingerprint_factors, row_fingerprints

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
BITS = {8: torch.int64, 4: torch.int32, 2: torch.int16}
FINGERPRINT = RowFingerprint(3, 5, torch.device("cpu"))


def rows(dtype, seed=0):
    return torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(seed)).to(dtype)


@given(
    dtype=st.sampled_from(DTYPES),
    layer=st.integers(0, 1),
    head=st.integers(0, 2),
    position=st.integers(0, 3),
    number=st.integers(0, 4),
    bit=st.integers(0, 63),
)
def test_one_flipped_bit_changes_the_fingerprint_of_its_row_alone(
    dtype, layer, head, position, number, bit
):
    before = rows(dtype)
    after = before.clone()
    integers = after.view(BITS[after.element_size()])
    width = 8 * after.element_size()
    mask = torch.tensor(1, dtype=integers.dtype) << (bit % width)
    integers[layer, head, position, number] ^= mask
    changed = (FINGERPRINT(before) != FINGERPRINT(after)).nonzero().tolist()
    assert changed == [[layer, position]]


@pytest.mark.parametrize("dtype", DTYPES)
def test_fingerprint_sees_bits_and_not_numbers(dtype):
    zeros = torch.zeros(1, 3, 1, 5, dtype=dtype)
    assert FINGERPRINT(zeros).item() != FINGERPRINT(-zeros).item()
    nan = torch.full_like(zeros, torch.nan)
    assert torch.equal(FINGERPRINT(nan), FINGERPRINT(nan.clone()))


def test_swapped_heads_and_swapped_numbers_are_seen():
    before = rows(torch.float32)
    assert not torch.equal(FINGERPRINT(before), FINGERPRINT(before.flip(1)))
    assert not torch.equal(FINGERPRINT(before), FINGERPRINT(before.flip(-1)))


def test_fingerprint_does_not_depend_on_where_the_rows_lie():
    room = torch.zeros(2, 3, 9, 5)
    room[:, :, 2:6] = rows(torch.float32)
    assert torch.equal(FINGERPRINT(room.narrow(-2, 2, 4)), FINGERPRINT(rows(torch.float32)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_whoever_has_the_rows_of_a_trace_takes_the_same_fingerprints(dtype):
    computed = rows(dtype)
    kept = computed.float().numpy()
    found = row_fingerprints(kept, str(dtype).removeprefix("torch."))
    assert (found == FINGERPRINT(computed).numpy()).all()


def test_of_rows_in_float64_too_few_bits_are_kept():
    assert row_fingerprints(rows(torch.float64).float().numpy(), "float64") is None


def test_the_factors_are_those_of_files_from_before():
    """PyTorch drew them when the first files were saved."""
    generator = torch.Generator().manual_seed(0x6B767669)
    drawn = torch.randint(-(2**63), 2**63 - 1, (12, 1, 64), generator=generator) | 1
    assert (fingerprint_factors(12, 64) == drawn.numpy()).all()


def test_two_of_a_kind_agree():
    other = RowFingerprint(3, 5, torch.device("cpu"))
    assert torch.equal(FINGERPRINT(rows(torch.float32)), other(rows(torch.float32)))
