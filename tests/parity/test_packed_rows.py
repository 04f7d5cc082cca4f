"""Rows in a few bits a number: what is kept of them, what attention reads, what a trace tells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from kvviz import caches, load_model, trace_generation
from kvviz.engine.caches.packed_numbers import PackedNumbers
from kvviz.engine.caches.rebuilt_rows import RebuiltRows
from kvviz.engine.caches.whole_numbers import WholeNumbers
from kvviz.errors import ObservationError, OptionsError, TraceError
from kvviz.trace.packed_rows import PackedRows, how_far_off
from tests.parity.tiny_decoders import SIX_OVER_TWO, TinyDecoder
from tests.parity.tiny_models import PROMPT
from tests.trace_files import opened_again

CACHE = caches.Quantised(key_bits=2, value_bits=4, keys="channel", values="token", group=3)
N_NEW = 9


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return TinyDecoder("six over two", config=SIX_OVER_TWO).save(tmp_path_factory.mktemp("packed"))


@pytest.fixture(scope="module")
def llama(folder):
    return load_model(folder)


@pytest.fixture(scope="module")
def run(llama):
    """A run, and the operands of each layer by step."""
    operands = []
    settle = RebuiltRows.settle

    def watched(self, observation, fed):
        operands.append(
            [(one.key[0].clone(), one.value[0].clone()) for one in observation.attended]
        )
        return settle(self, observation, fed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RebuiltRows, "settle", watched)
        trace = trace_generation(llama, PROMPT, max_new_tokens=N_NEW, cache=CACHE)
    return trace, operands


def on_a_grid(rows: np.ndarray, bits: int) -> np.ndarray:
    """Return numbers of a group, last axis, rounded to as many evenly spaced ones."""
    least, largest = rows.min(-1, keepdims=True), rows.max(-1, keepdims=True)
    step = (largest - least) / np.float32(2**bits - 1)
    return np.round((rows - least) / step) * step + least


def test_a_row_is_read_as_it_was_written_until_its_group_is_full_and_as_the_paper_rounds_it_after(
    run,
):
    trace, operands = run
    card, n_prompt = trace.model, trace.n_prompt
    first = operands[0][2][0].numpy()
    assert np.array_equal(first, trace.keys(2)[:, :n_prompt])  # a prompt is read as it is written
    for number, read in enumerate(operands[1:], start=1):
        n_before = n_prompt + number - 1
        n_packed = n_before // 3 * 3
        for layer in range(card.n_layers):
            keys, values = (part.numpy() for part in read[layer])
            written = trace.keys(layer)[:, : keys.shape[1]]
            assert np.array_equal(keys[:, n_packed:], written[:, n_packed:])
            groups = written[:, :n_packed].reshape(card.n_kv_heads, -1, 3, card.d_head)
            rounded = np.moveaxis(on_a_grid(np.moveaxis(groups, 2, -1), 2), -1, 2)
            # A rounding or two of float32 beside steps that are thousands of times as large.
            np.testing.assert_allclose(
                keys[:, :n_packed], rounded.reshape(card.n_kv_heads, n_packed, -1), atol=1e-5
            )
            written = trace.values(layer)[:, : values.shape[1]]
            assert np.array_equal(values[:, n_before:], written[:, n_before:])
            groups = written[:, :n_before].reshape(card.n_kv_heads, n_before, -1, 3)
            rounded = on_a_grid(groups, 4).reshape(card.n_kv_heads, n_before, -1)
            np.testing.assert_allclose(values[:, :n_before], rounded, atol=1e-5)
    assert trace.reuse_is_proven
    assert not np.array_equal(trace.packed.keys, trace.all_keys)


def test_a_pattern_is_of_the_keys_that_were_read(run):
    trace, operands = run
    card = trace.model
    for number, read in enumerate(operands[1:], start=1):
        query = trace.n_prompt + number - 1
        for head in range(card.n_heads):
            keys = read[1][0][head * card.n_kv_heads // card.n_heads].numpy()
            scores = keys @ trace.queries[1, head, query] * trace.score_scale[1]
            weights = np.exp(scores - scores.max())
            pattern = trace.pattern(1, head)[query, : query + 1]
            np.testing.assert_allclose(pattern, weights / weights.sum(), atol=1e-6)


def test_its_bytes_are_those_of_codes_steps_and_rows_that_wait(run):
    trace, _operands = run
    card = trace.model
    n_rows = trace.n_prompt + N_NEW - 1
    n_packed, width = n_rows // 3 * 3, card.d_head  # 6
    codes = n_packed * 2 + n_rows * 3  # six numbers of two bits, and six of four, in whole bytes
    steps = 2 * 4 * (n_packed // 3 * width + n_rows * width // 3)
    waiting = (n_rows - n_packed) * width * 4
    heads = card.n_layers * card.n_kv_heads
    assert trace.steps[-1].cache_bytes == heads * (codes + steps + waiting)


def test_it_is_saved_and_opened_and_its_error_can_be_told(run):
    trace, _operands = run
    again = opened_again(trace)
    assert np.array_equal(again.pattern(2, 5), trace.pattern(2, 5), equal_nan=True)
    assert np.array_equal(again.packed.packed_after, trace.packed.packed_after)
    off = how_far_off(trace.packed.values, trace.all_values)
    assert 0 < off.mean() < 0.1
    assert how_far_off(np.zeros((1, 2), np.float32), np.zeros((1, 2), np.float32)).tolist() == [0.0]
    with pytest.raises(TraceError, match="Only a named cache turns keys"):
        replace(trace, options=replace(trace.options, cache=None))
    huge = PackedRows(trace.packed.keys * 3e37, trace.packed.values, trace.packed.packed_after)
    with pytest.raises(TraceError, match="products overflow"):
        replace(trace, packed=huge)
    never = np.full((2, trace.n_rows), N_NEW + 1)
    with pytest.raises(TraceError, match="packed after step 10 of 9"):
        PackedRows(trace.packed.keys, trace.packed.values, never).check(
            trace.model, trace.n_rows, N_NEW
        )


@pytest.mark.parametrize("bits", [(2, None), (None, 4)])
def test_a_part_that_is_kept_whole_is_read_as_it_was_written(llama, run, bits):
    both, _operands = run
    cache = replace(CACHE, key_bits=bits[0], value_bits=bits[1])
    trace = trace_generation(llama, PROMPT, max_new_tokens=N_NEW, cache=cache)
    assert trace.reuse_is_proven
    whole, packed = (1, 0) if bits[1] is None else (0, 1)
    assert (trace.packed.packed_after[whole] == N_NEW).all()
    read = trace.packed.keys, trace.packed.values
    written = trace.all_keys, trace.all_values
    assert np.array_equal(read[whole], written[whole])
    # What is packed of the prompt is packed as it is where both parts are.
    of_both = both.packed.keys, both.packed.values
    n = trace.n_prompt // 3 * 3
    assert np.array_equal(read[packed][:, :, :n], of_both[packed][:, :, :n])
    assert not np.array_equal(read[packed], written[packed])
    card, n_rows = trace.model, trace.n_rows
    heads, width = card.n_layers * card.n_kv_heads, card.d_head
    n_full = n_rows // 3 * 3
    of_part = (
        n_full * 2 + 2 * 4 * (n_full // 3 * width) + (n_rows - n_full) * width * 4
        if packed == 0
        else n_rows * 3 + 2 * 4 * (n_rows * width // 3)
    )
    assert trace.steps[-1].cache_bytes == heads * (of_part + n_rows * width * 4)
    again = opened_again(trace)
    assert again.options == trace.options
    assert np.array_equal(again.packed.packed_after, trace.packed.packed_after)


def test_rows_that_are_kept_whole_stay_themselves_while_a_room_grows_and_lets_go():
    rows = torch.arange(60.0).reshape(1, 1, 30, 2)
    whole = WholeNumbers((1, 1, 8, 2), dtype=rows.dtype, device=rows.device)
    for start, stop, first in ((0, 5, 2), (5, 7, 3), (7, 20, 15), (20, 30, 24)):
        whole.add(rows[:, :, start:stop])
        assert torch.equal(whole.read(whole.first, stop), rows[:, :, whole.first : stop])
        whole.let_go(first)
        assert torch.equal(whole.read(first, stop), rows[:, :, first:stop])
        assert whole.n_bytes == (stop - first) * 2 * 4


def test_a_code_that_changes_is_caught(llama, monkeypatch):
    add, done = PackedNumbers.add, []

    def spoilt(self, rows):
        add(self, rows)
        if rows.shape[-2] == 1 and self._axis == "token" and not done:
            self._codes[1, 0, 4, 0] ^= 1
            done.append(True)

    monkeypatch.setattr(PackedNumbers, "add", spoilt)
    with pytest.raises(ObservationError, match="V row of layer 1, position 4"):
        trace_generation(llama, PROMPT, max_new_tokens=4, cache=CACHE)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize(("axis", "group"), [("token", 7), ("token", 1), ("channel", 4)])
def test_packed_bytes_unpack_to_what_was_stored(bits, axis, group):
    """Numbers that lie on the grid of their group come back, those of odd widths too."""
    generator = torch.Generator().manual_seed(bits)
    codes = torch.randint(0, 2**bits, (2, 3, 13, 7), generator=generator).double()
    if axis == "token":
        codes[..., 0], codes[..., 1] = 0, 2**bits - 1
    else:
        codes[:, :, 0::4], codes[:, :, 1::4] = 0, 2**bits - 1
    packed = PackedNumbers(
        bits, axis, group, (2, 3, 20, 7), dtype=torch.float64, device=torch.device("cpu")
    )
    for start, stop in ((0, 5), (5, 6), (6, 13)):
        packed.add(codes[:, :, start:stop])
    room = packed.read(0, 13)
    if bits > 1:
        assert (room - codes).abs().max() < 1e-12
    elif group > 1:
        # Zeros and ones: the mean distance from the mean, on either side of it.
        dim = 3
        grouped = codes if axis == "token" else codes[:, :, :12].unflatten(2, (3, 4))
        mean = grouped.mean(dim, keepdim=True)
        expected = mean + (grouped - mean).abs().mean(dim, keepdim=True) * (2 * grouped - 1)
        expected = expected if axis == "token" else expected.flatten(2, 3)
        assert (room[:, :, : expected.shape[2]] - expected).abs().max() < 1e-12
    assert packed.n_packed == (13 if axis == "token" else 12)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: caches.Quantised(3), "key_bits must be one of 1, 2, 4 and 8, or none .* Found 3"),
        (
            lambda: caches.Quantised(None, None),
            "Keys or values are packed, or both. Both are to be",
        ),
        (lambda: caches.Quantised(4, value_bits=True), "value_bits must be one of"),
        (lambda: caches.Quantised(keys="head"), "by channel or by token. Found 'head'"),
        (lambda: caches.Quantised(group=0), "group must be a whole number, 1 or more"),
        (lambda: caches.Quantised(rotated=1), r"rotated must be on \(True\) or off"),
    ],
)
def test_settings_that_are_none_are_refused(make, words):
    with pytest.raises(OptionsError, match=words):
        make()


def test_a_group_that_does_not_divide_a_row_is_refused(llama):
    with pytest.raises(OptionsError, match=r"must divide its width, 6\. Found 4"):
        trace_generation(llama, PROMPT, max_new_tokens=2, cache=caches.Quantised(group=4))
