"""Packed rows that are turned first, that fall out of windows, and those of a T5's decoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from kvviz import caches, load_model, trace_generation
from kvviz.engine.caches.packed_numbers import PackedNumbers
from kvviz.engine.caches.rebuilt_rows import RebuiltRows
from kvviz.engine.caches.rotation import Rotation
from kvviz.errors import OptionsError
from kvviz.trace.packed_rows import how_far_off
from tests.parity.test_packed_rows import on_a_grid
from tests.parity.tiny_decoders import FULL, SIX_OVER_TWO, SLIDING, TinyDecoder
from tests.parity.tiny_models import PROMPT
from tests.parity.tiny_t5s import TEXT, TinyT5
from tests.trace_files import opened_again

WINDOW, N_NEW = 7, 12
WINDOWS = TinyDecoder(
    "windows of 7",
    "Gemma3",
    config={**SIX_OVER_TWO, "sliding_window": WINDOW, "layer_types": [SLIDING, FULL, SLIDING]},
)


@dataclass(frozen=True)
class Case:
    """A model, and how its rows are packed."""

    model: TinyDecoder | TinyT5
    cache: caches.Quantised

    @property
    def prompt(self) -> str:
        return TEXT if isinstance(self.model, TinyT5) else PROMPT


CASES = [
    Case(WINDOWS, caches.Quantised(2, 4, group=3, rotated=True)),
    Case(
        TinyT5("deep decoder", seed=12, config={"num_layers": 1, "num_decoder_layers": 3}),
        caches.Quantised(4, 2, "token", "channel", group=4),
    ),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case.model.name}: {case.cache}")
def run(request, tmp_path_factory):
    """A case, its run, and keys and values of each layer by step."""
    case, operands = request.param, []
    model = load_model(case.model.save(tmp_path_factory.mktemp("packed")))
    settle = RebuiltRows.settle

    def watched(self, observation, fed):
        read = [(one.key[0].clone(), one.value[0].clone()) for one in observation.attended]
        operands.append([tuple(part.numpy() for part in layer) for layer in read])
        return settle(self, observation, fed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RebuiltRows, "settle", watched)
        trace = trace_generation(model, case.prompt, max_new_tokens=N_NEW, cache=case.cache)
    return case, trace, operands


def test_attention_reads_the_rows_that_are_live_packed_or_as_they_were_written(run):
    _case, trace, operands = run
    card = trace.model
    n_fallen = 0
    for number, read in enumerate(operands):
        for layer in range(card.n_layers):
            live = trace.live(number, layer)
            assert (live == live[0]).all()
            there = np.flatnonzero(live[0])
            n_fallen += trace.n_prompt + number - len(there)
            for part, (written, packed) in enumerate(
                [
                    (trace.keys(layer), trace.packed.keys[layer]),
                    (trace.values(layer), trace.packed.values[layer]),
                ]
            ):
                is_packed = trace.packed.is_read_by(np.array([number]), part)[0]
                expected = np.where(is_packed[:, None], packed, written)[:, there]
                assert np.array_equal(read[layer][part], expected)
    assert (n_fallen > 0) == bool(card.windows)
    assert trace.reuse_is_proven
    assert not np.array_equal(trace.packed.values, trace.all_values)


def test_its_bytes_are_those_of_codes_steps_and_waiting_rows_that_are_there(run):
    case, trace, _operands = run
    card, width, group = trace.model, trace.model.d_head, case.cache.group
    for number, step in enumerate(trace.steps):
        n_bytes = 0 if trace.cross is None else 2 * trace.cross.keys.nbytes
        n_rows = trace.n_prompt + number
        for layer in range(card.n_layers):
            first = max(0, n_rows - ((card.window(layer) or n_rows + 1) - 1))
            for bits, axis in (
                (case.cache.key_bits, case.cache.keys),
                (case.cache.value_bits, case.cache.values),
            ):
                n_packed = n_rows if axis == "token" else n_rows // group * group
                n_groups = (n_packed - first) * (width // group)
                if axis == "channel":
                    n_groups = len({place // group for place in range(first, n_packed)}) * width
                codes = (n_packed - first) * -(-width * bits // 8)
                waiting = (n_rows - n_packed) * width * 4
                n_bytes += card.n_kv_heads * (codes + 2 * 4 * n_groups + waiting)
        assert step.cache_bytes == n_bytes


def test_a_pattern_is_of_the_keys_that_were_read_and_opens_again(run):
    _case, trace, operands = run
    card = trace.model
    for number, read in enumerate(operands[1:], start=1):
        query = trace.n_prompt + number - 1
        for head in range(card.n_heads):
            keys = read[1][0][head * card.n_kv_heads // card.n_heads]
            scores = keys @ trace.queries[1, head, query] * trace.score_scale[1]
            there = np.flatnonzero(trace.live(number, 1)[0])
            if trace.position_bias is not None:
                scores = scores + trace.position_bias[head, query, there]
            weights = np.exp(scores - scores.max())
            pattern = trace.pattern(1, head)[query, there]
            # Softmax in float32 against the same in another order.
            np.testing.assert_allclose(pattern, weights / weights.sum(), atol=1e-6)
    again = opened_again(trace)
    assert np.array_equal(again.pattern(1, 0), trace.pattern(1, 0), equal_nan=True)


def test_a_group_of_rows_that_does_not_fit_into_a_window_is_refused(tmp_path):
    model = load_model(WINDOWS.save(tmp_path))
    with pytest.raises(OptionsError, match=r"window of each layer, 7\. Found 8"):
        trace_generation(
            model, PROMPT, max_new_tokens=2, cache=caches.Quantised(values="channel", group=8)
        )


@pytest.mark.parametrize("width", [1, 6, 7, 12, 32])
def test_a_rotation_is_orthogonal_and_turns_a_row_alike_whoever_is_beside_it(width):
    rotation = Rotation(width, 3, device=torch.device("cpu"))
    matrix = rotation.turn(torch.eye(width, dtype=torch.float64))
    # Some tens of sums in float64.
    torch.testing.assert_close(
        matrix @ matrix.T, torch.eye(width, dtype=torch.float64), atol=1e-14, rtol=0
    )
    assert (matrix.abs() > 1e-3).all()  # each number goes into all others
    rows = torch.randn(37, width, generator=torch.Generator().manual_seed(1))
    for turn, expected in (
        (rotation.turn, rows.double() @ matrix),
        (rotation.turn_back, rows.double() @ matrix.T),
    ):
        torch.testing.assert_close(turn(rows).double(), expected, atol=1e-5, rtol=0)
        assert torch.equal(turn(rows), torch.cat([turn(row[None]) for row in rows]))
    if width > 2:
        other = Rotation(width, 4, device=torch.device("cpu"))
        assert not torch.equal(other.turn(rows), rotation.turn(rows))


def test_turned_rows_are_rounded_as_they_lie_and_a_number_that_stands_out_costs_less():
    lot = torch.Generator().manual_seed(2)
    rows = torch.randn(1, 1, 20, 12, generator=lot)
    rows[..., 5] *= 40
    rotation = Rotation(12, 0, device=torch.device("cpu"))
    matrix = rotation.turn(torch.eye(12)).numpy()
    found = {}
    for name, turned in (("turned", rotation), ("as it is", None)):
        packed = PackedNumbers(
            4,
            "token",
            12,
            (1, 1, 20, 12),
            dtype=torch.float32,
            device=torch.device("cpu"),
            rotation=turned,
        )
        packed.add(rows)
        found[name] = packed.read(0, 20)[0, 0].numpy()
    expected = on_a_grid(rows[0, 0].numpy() @ matrix, 4) @ matrix.T
    # Roundings of float32 of numbers up to 100, beside steps of about 5.
    np.testing.assert_allclose(found["turned"], expected, atol=1e-3)
    turned, plain = (how_far_off(found[name], rows[0, 0].numpy()).mean() for name in found)
    assert turned < 0.75 * plain
