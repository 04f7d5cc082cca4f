"""Rows in fewer numbers: which directions they are told by, what is kept, what attention reads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from kvviz import caches, load_model, trace_generation
from kvviz.engine import judge_all
from kvviz.engine.caches.fewer_numbers import Coordinates
from kvviz.engine.caches.rebuilt_rows import RebuiltRows
from kvviz.engine.running import calibration, generation
from kvviz.errors import ObservationError, OptionsError
from tests.parity.tiny_decoders import SIX_OVER_TWO, TinyDecoder
from tests.parity.tiny_models import PROMPT, TinyModel
from tests.trace_files import opened_again
from tests.unit.engine.conftest import hold_same_run
from tests.unit.engine.test_judging import STORY

N_NEW, WIDTH = 5, 35
KINDS = [caches.LowRank(9, 21), caches.Latent(20)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    case = TinyModel("odd heads and width", config={"n_embd": WIDTH, "n_head": 5})
    return load_model(case.save(tmp_path_factory.mktemp("fewer")))


@pytest.fixture(scope="module", params=KINDS, ids=repr)
def run(request, model):
    """A way of keeping rows, its run, keys and values of each layer by step, and operations."""
    operands, flops = [], []
    settle, pass_alone = RebuiltRows.settle, generation.pass_alone

    def watched(self, observation, fed):
        read = [(one.key[0].clone(), one.value[0].clone()) for one in observation.attended]
        operands.append(torch.stack([torch.stack(layer) for layer in read], dim=1).numpy())
        return settle(self, observation, fed)

    def counted(model, asked):
        with FlopCounterMode(display=False) as counter:
            made = pass_alone(model, asked)
        flops.append(counter.get_total_flops())
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RebuiltRows, "settle", watched)
        patch.setattr(generation, "pass_alone", counted)
        trace = trace_generation(model, PROMPT, max_new_tokens=N_NEW, cache=request.param)
    return request.param, trace, operands, flops


def flat(rows: np.ndarray) -> np.ndarray:
    """Return rows ``layer head position d_head`` with the numbers of all heads in one."""
    return rows.swapaxes(1, 2).reshape(len(rows), rows.shape[2], -1)


def projected(model, cache, keys, values) -> tuple[np.ndarray, np.ndarray]:
    """Return flat keys and values along the first directions of a singular value decomposition."""
    texts = [rows.double().numpy() for rows in calibration._read(model)]
    known = np.concatenate([np.stack([flat(part) for part in rows]) for rows in texts], axis=2)
    if isinstance(cache, caches.Latent):
        known, rows = np.concatenate(known, axis=-1)[None], np.concatenate([keys, values], -1)[None]
        ranks = [cache.rank]
    else:
        rows, ranks = np.stack([keys, values]), [cache.rank, cache.value_rank]
    made = np.empty(rows.shape)
    for part, rank in enumerate(ranks):
        for layer in range(rows.shape[1]):
            mean = known[part, layer].mean(0)
            vectors = np.linalg.svd(known[part, layer] - mean, full_matrices=False)[2][:rank]
            made[part, layer] = (rows[part, layer] - mean) @ vectors.T @ vectors + mean
    return tuple(made) if len(ranks) > 1 else tuple(np.split(made[0], 2, axis=-1))


def test_rows_are_read_along_the_directions_in_which_those_of_another_text_differ(model, run):
    cache, trace, operands, _flops = run
    n = trace.n_rows
    both = (trace.all_keys, trace.all_values)
    wanted = projected(model, cache, *map(flat, both))
    for read, rows in zip((trace.packed.keys, trace.packed.values), wanted, strict=True):
        # Rows of float32 against float64.
        np.testing.assert_allclose(flat(read), rows, atol=1e-4)
    for number, rows in enumerate(operands):
        n_old = 0 if number == 0 else trace.n_prompt + number - 1
        for part, written, read in zip(
            rows, both, (trace.packed.keys, trace.packed.values), strict=True
        ):
            stop = part.shape[-2]
            assert np.array_equal(part[..., :n_old, :], read[..., :n_old, :])
            assert np.array_equal(part[..., n_old:, :], written[..., n_old:stop, :])
    assert (
        trace.packed.packed_after.tolist()
        == [[max(0, place - trace.n_prompt + 1) for place in range(n)]] * 2
    )
    assert trace.reuse_is_proven


def test_its_bytes_are_those_of_the_numbers_and_its_products_are_counted(run):
    cache, trace, _operands, flops = run
    numbers = cache.rank if isinstance(cache, caches.Latent) else cache.rank + cache.value_rank
    for step in trace.steps:
        n_rows = trace.n_prompt + step.index
        assert step.cache_bytes == trace.model.n_layers * n_rows * numbers * 4
    assert [step.flops for step in trace.steps] == flops


def test_at_full_rank_it_is_the_full_cache_but_for_rounding(model):
    full = trace_generation(model, PROMPT, max_new_tokens=N_NEW)
    for cache in (caches.LowRank(WIDTH), caches.Latent(2 * WIDTH)):
        trace = trace_generation(model, PROMPT, max_new_tokens=N_NEW, cache=cache)
        assert np.array_equal(trace.token_ids, full.token_ids)
        # Two products of float32, whose sums have 35 to 70 terms, by numbers up to 5.
        np.testing.assert_allclose(trace.packed.keys, trace.all_keys, atol=2e-5)
        np.testing.assert_allclose(trace.all_values, full.all_values, atol=1e-4)


def test_it_is_saved_and_opened_and_made_again_the_same(model, run):
    cache, trace, _operands, _flops = run
    again = opened_again(trace)
    assert again.options.cache.name == cache.name
    assert np.array_equal(again.pattern(2, 3), trace.pattern(2, 3), equal_nan=True)
    hold_same_run(trace, trace_generation(model, PROMPT, max_new_tokens=N_NEW, cache=cache))


def test_a_number_that_changes_is_caught(model, monkeypatch):
    add = Coordinates.add

    def spoilt(self, rows):
        if rows.shape[1] == 1:
            self._rows[1, 4, 0] += 1
        add(self, rows)

    monkeypatch.setattr(Coordinates, "add", spoilt)
    with pytest.raises(ObservationError, match="of layer 1, position 4"):
        trace_generation(model, PROMPT, max_new_tokens=3, cache=caches.Latent(20))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: caches.LowRank(0), "rank must be a whole number, 1 or more"),
        (lambda: caches.LowRank(4, 0), "value_rank must be a whole number"),
        (lambda: caches.Latent(2.0), "rank must be a whole number"),
        (lambda: caches.LowRank(36), "A row of 35 numbers is kept in as many at most. Found 36"),
        (lambda: caches.Latent(71), "A row of 70 numbers"),
    ],
)
def test_a_rank_that_is_none_is_refused(model, make, words):
    with pytest.raises(OptionsError, match=words):
        trace_generation(model, PROMPT, max_new_tokens=2, cache=make())


def test_a_model_whose_keys_are_turned_is_refused(tmp_path):
    model = load_model(TinyDecoder("llama", config=SIX_OVER_TWO).save(tmp_path))
    with pytest.raises(OptionsError, match="whose keys are turned, each along other directions"):
        trace_generation(model, PROMPT, max_new_tokens=2, cache=caches.Latent(4))


def test_a_quarter_of_the_numbers_costs_the_model_that_ships_little_and_an_eighth_much_more():
    """Signs and orders as measured on many texts: +0.025 and +0.31 nats."""
    model = load_model("kvviz/gpt2-mini", device="cpu")
    kinds = [caches.Latent(rank) for rank in (128, 64)]
    found = judge_all(model, STORY, kinds, n_prompt=220)
    quarter, eighth = (one.loss_nats - one.full_loss_nats for one in found)
    assert abs(quarter) < 0.1
    assert eighth > quarter + 0.03
    assert [one.full_cache_bytes / one.cache_bytes for one in found] == [4, 8]
