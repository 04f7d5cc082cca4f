"""Rows in blocks of a pool: the full cache's to the last bit, and blocks that two runs share."""

from __future__ import annotations

import random
from functools import partial

import numpy as np
import pytest
import torch

from kvviz import caches, load_model, trace_generation
from kvviz.engine.caches.block_pool import BlockPool, BlockTable
from kvviz.engine.caches.protocol import RowsPlace
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.running.forward_pass import ForwardPass, pass_alone
from kvviz.errors import ObservationError, OptionsError
from tests.factories import make_card
from tests.parity.test_packed_decoders import WINDOWS
from tests.parity.tiny_models import PROMPT, TinyModel
from tests.parity.tiny_t5s import TEXT, TinyT5
from tests.trace_files import ARRAYS

N_NEW, BLOCK = 9, 4
ODD = TinyModel("odd heads and width", config={"n_embd": 35, "n_head": 5})


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    return load_model(ODD.save(tmp_path_factory.mktemp("odd")))


@pytest.mark.parametrize(
    "case", [ODD, WINDOWS, TinyT5("deep decoder", seed=12)], ids=lambda case: case.name
)
def test_it_is_the_full_cache_to_the_last_bit_but_for_the_ends_of_blocks(case, tmp_path):
    model = load_model(case.save(tmp_path))
    prompt = TEXT if isinstance(case, TinyT5) else PROMPT
    full, paged = (
        trace_generation(model, prompt, max_new_tokens=N_NEW, cache=cache)
        for cache in (caches.Full(), caches.Paged(BLOCK))
    )
    for name in ARRAYS:
        assert np.array_equal(getattr(full, name), getattr(paged, name)), name
    card = full.model
    n_full = 0
    for one, other in zip(full.steps, paged.steps, strict=True):
        assert np.array_equal(one.reused, other.reused)
        assert np.array_equal(one.evicted, other.evicted)
        assert np.array_equal(one.top_probs, other.top_probs)
        assert one.flops == other.flops
        n_rows = full.n_prompt + one.index
        n_blocks = 0
        for layer in range(card.n_layers):
            first = max(0, n_rows - ((card.window(layer) or n_rows + 1) - 1))
            n_blocks += -(-n_rows // BLOCK) - first // BLOCK
            n_full += n_rows % BLOCK == 0
        row_bytes = card.cache_bytes_per_token // card.n_layers
        cross = 0 if full.cross is None else 2 * full.cross.keys.nbytes
        assert other.cache_bytes == n_blocks * BLOCK * row_bytes + cross
    assert n_full, "no step of the run fills its blocks"
    assert paged.packed is None
    assert paged.reuse_is_proven


class Reader:
    """A run that reads given tokens, as far as it is told to."""

    def __init__(self, model, ids, rows):
        self._model, self._ids, self.rows = model, ids, rows

    def read(self, stop):
        """Feed what has no row yet, up to a position; return what the model says after it."""
        fed, observation = self.rows.fed(stop), StepObservation()
        with torch.inference_mode():
            arguments = self.rows.arguments(fed)
            part = self._ids[fed.start : fed.stop]
            made = pass_alone(self._model, ForwardPass(fed, part, arguments, observation, False))
            self.rows.settle(observation, fed)
        return fed, made.logits


def place_of(model, n_positions):
    turn = partial(model.family.turn, model.module)
    card = model.card
    return RowsPlace(card, 1, n_positions, n_positions, model.dtype, model.device, turn)


def test_two_runs_that_begin_alike_share_blocks_until_one_writes_to_them(odd):
    ids = [*range(40, 53)]
    other_ids = [*ids[:10], *reversed(ids[:8])]
    place = place_of(odd, 20)
    first = Reader(odd, [*ids, 3, 4, 5], caches.Paged(BLOCK).rows(place))
    first.read(13)
    (table,) = first.rows.tables
    pool = table.pool
    alone = pool.n_bytes
    assert (pool.n_used, pool.n_shared) == (4, 0)
    second = Reader(odd, other_ids, first.rows.fork(place, 10))
    (forked,) = second.rows.tables
    assert forked.blocks == table.blocks[:3]
    assert (pool.n_used, pool.n_shared, pool.n_bytes) == (4, 3, alone)
    fed, logits = second.read(18)
    # Eight rows went through the network, and ten were there.
    assert fed == range(10, 18)
    # The third block held two of the ten, and the other run's next: it was copied.
    assert forked.blocks[:2] == table.blocks[:2]
    assert len({*table.blocks, *forked.blocks}) == pool.n_used == 4 + 3
    assert pool.n_shared == 2
    first.read(16)
    plain = Reader(odd, [*ids, 3, 4, 5], caches.Full().rows(place))
    plain.read(13)
    plain.read(16)
    for name in ("keys", "values", "queries", "final_fingerprints"):
        one, other = getattr(first.rows.final(), name), getattr(plain.rows.final(), name)
        assert np.array_equal(one, other), name
    whole = Reader(odd, other_ids, caches.Full().rows(place))
    _fed, expected = whole.read(18)
    # One pass sums in another order than two: three layers of float32.
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
    found, wanted = second.rows.final(), whole.rows.final()
    np.testing.assert_allclose(found.keys, wanted.keys, atol=1e-4)
    np.testing.assert_allclose(found.queries, wanted.queries, atol=1e-4)
    shared = first.rows.final().written_fingerprints[..., :10]
    assert np.array_equal(found.written_fingerprints[..., :10], shared)
    # A run that wrote into a block of both would be found out by the other.
    with torch.inference_mode():
        pool.rows(forked.blocks[1])[1, 2, 0, 1] += 1
    for one in (first, second):
        with pytest.raises(ObservationError, match="V row of layer 2, position 5"):
            one.rows.final()


@pytest.mark.parametrize("seed", range(3))
def test_tables_hold_what_was_written_to_them_whoever_else_writes(seed):
    """Against plain copies: rows are added, tables forked, first rows let go, in any order."""
    lot = random.Random(seed)
    card = make_card(n_layers=2, n_heads=5, d_head=7)
    place = RowsPlace(card, 1, 99, 99, torch.float32, torch.device("cpu"))
    pool = BlockPool(2, place, BLOCK)
    tables, copies, firsts = [BlockTable(pool)], [torch.empty(2, 2, 5, 0, 7)], [0]
    most_shared = 0
    for _turn in range(60):
        number = lot.randrange(len(tables))
        table, first = tables[number], firsts[number]
        what = lot.choice(("add", "add", "fork", "let go"))
        if what == "add":
            rows = torch.rand(2, 2, 5, lot.randint(1, 6), 7)
            table.add(rows)
            copies[number] = torch.cat([copies[number], rows], dim=-2)
        elif what == "fork" and first == 0 and table.n_rows and len(tables) < 6:
            n_rows = lot.randint(1, table.n_rows)
            tables.append(table.fork(n_rows))
            copies.append(copies[number][..., :n_rows, :])
            firsts.append(0)
        elif what == "let go" and table.n_rows and len(tables) > 2:
            firsts[number] = lot.randint(first, table.n_rows - 1)
            table.let_go(firsts[number])
        for one, copy, begin in zip(tables, copies, firsts, strict=True):
            if begin < one.n_rows:
                assert torch.equal(one.read(begin, one.n_rows), copy[..., begin:, :])
        used = [block for one in tables for block in one.blocks]
        assert pool.n_used == len({*used})
        assert pool.n_shared == sum(used.count(block) > 1 for block in {*used})
        assert pool.n_bytes == pool.n_used * BLOCK * 2 * 2 * 5 * 7 * 4
        most_shared = max(most_shared, pool.n_shared)
    assert most_shared
    assert any(firsts)


def test_what_cannot_be_shared_is_refused(odd, tmp_path):
    place = place_of(odd, 20)
    first = Reader(odd, [*range(40, 53)], caches.Paged(BLOCK).rows(place))
    first.read(13)
    half = odd.as_dtype("bfloat16")
    with pytest.raises(OptionsError, match="one model in one number format"):
        first.rows.fork(place_of(half, 20), 10)
    for n_rows in (0, 14):
        with pytest.raises(OptionsError, match=f"shares 1 to 13 first rows.*Found {n_rows}"):
            first.rows.fork(place, n_rows)
    with pytest.raises(OptionsError, match="block must be a whole number, 1 or more"):
        caches.Paged(0)
