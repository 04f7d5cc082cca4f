import numpy as np
import pytest

from training.batches import Batches, Mixture, repeat_span
from training.errors import CorpusError

PLAIN = Mixture(repeated=0.0, shortest=16, longest=99, jumping=0.0)
# Every token is its own place in the corpus, so that a batch shows where it was read from.
PLACES = np.arange(60_000, dtype=np.uint16)


@pytest.fixture
def batches():
    return Batches(PLACES, seed=5, n_positions=1024)


@pytest.mark.parametrize("n_ctx", [128, 256, 1024])
def test_rows_are_runs_of_the_corpus_and_a_batch_has_4096_tokens(batches, n_ctx):
    rows = batches.batch(1, n_ctx, PLAIN)
    assert rows.positions.size == 4096
    assert rows.tokens.shape == (4096 // n_ctx, n_ctx + 1)
    assert np.all(np.diff(rows.tokens, axis=1) == 1)
    assert np.all(rows.positions == np.arange(n_ctx))


@pytest.mark.parametrize("n_ctx", [256, 1024])
def test_an_epoch_reads_nothing_twice_and_nearly_everything(batches, n_ctx):
    read = np.concatenate(
        [batches.batch(i, n_ctx, PLAIN).tokens[:, :-1].ravel() for i in range(batches.per_epoch)]
    )
    assert len(np.unique(read)) == len(read) == batches.per_epoch * 4096


def test_long_and_short_rows_of_a_group_read_the_same_text(batches):
    long, short = (
        {int(t) for i in range(4) for t in batches.batch(i, n, PLAIN).tokens[:, :-1].ravel()}
        for n in (1024, 256)
    )
    assert long == short


def test_the_next_epoch_has_another_order(batches):
    first = batches.batch(0, 256, PLAIN).tokens
    assert not np.array_equal(first, batches.batch(batches.per_epoch, 256, PLAIN).tokens)


def test_a_batch_depends_on_nothing_but_seed_and_step():
    mixture = Mixture(repeated=0.3, shortest=4, longest=50, jumping=0.5)
    run = Batches(PLACES, seed=5, n_positions=1024)
    for step in range(3):
        run.batch(step, 256, mixture)
    resumed = Batches(PLACES, seed=5, n_positions=1024).batch(3, 256, mixture)
    went_on = run.batch(3, 256, mixture)
    assert np.array_equal(went_on.tokens, resumed.tokens)
    assert np.array_equal(went_on.positions, resumed.positions)
    other = Batches(PLACES, seed=6, n_positions=1024).batch(3, 256, mixture)
    assert not np.array_equal(went_on.tokens, other.tokens)


def test_positions_jump_once_start_at_nought_and_reach_every_place(batches):
    mixture = Mixture(repeated=0.0, shortest=4, longest=50, jumping=1.0)
    positions = np.concatenate([batches.batch(i, 256, mixture).positions for i in range(50)])
    steps = np.diff(positions, axis=1)
    assert np.all(positions[:, 0] == 0)
    assert np.all(steps >= 1)
    assert np.all((steps > 1).sum(axis=1) == 1)
    assert positions.max() <= 1023
    # 800 rows with on average 128 positions after the jump: each of 1,024 is missed with odds
    # below 1e-9 but for the last few, which only the widest jumps reach.
    assert set(range(1000)) <= set(positions.ravel().tolist())


def test_the_stated_share_of_rows_is_repeated(batches):
    mixture = Mixture(repeated=0.25, shortest=16, longest=99, jumping=0.0)
    rows = np.concatenate([batches.batch(i, 256, mixture).tokens for i in range(40)])
    repeated = np.any(np.diff(rows, axis=1) != 1, axis=1)
    # 640 rows: four standard deviations of the share are 0.07.
    assert abs(repeated.mean() - 0.25) < 0.07


def test_a_repeated_row_is_one_span_said_until_the_row_is_full():
    draw = np.random.default_rng(0)
    for _ in range(200):
        row = np.arange(257)
        repeat_span(row, draw, 16, 99)
        length = int(np.argmax(np.diff(row) != 1)) + 1
        assert 16 <= length <= 99
        assert np.array_equal(row, np.resize(np.arange(row[0], row[0] + length), 257))


def test_a_span_takes_at_most_half_the_row():
    draw = np.random.default_rng(0)
    row = np.arange(21)
    repeat_span(row, draw, 16, 99)
    assert np.array_equal(row[:10], row[10:20])


def test_too_small_a_corpus_is_refused():
    with pytest.raises(CorpusError, match=r"17,408 tokens.*17,409 are needed"):
        Batches(PLACES[:17_408], seed=0, n_positions=1024)
    assert Batches(PLACES[:17_409], seed=0, n_positions=1024).per_epoch == 4
