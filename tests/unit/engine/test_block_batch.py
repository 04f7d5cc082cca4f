"""Runs in one pool of blocks: each as if it were alone, wherever its rows lie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz import caches, trace_batch, trace_generation
from kvviz.engine import load_model
from kvviz.errors import OptionsError, RunCancelledError, TraceError, TraceFileError
from tests.parity.test_packed_decoders import WINDOWS
from tests.parity.tiny_models import PROMPT
from tests.trace_files import opened_again

BLOCK = 4
CLOSE = 2.0**-21
"""By which rows of a float64 run differ that a trace keeps in float32: one rounding of a number
below 8."""


@pytest.fixture(scope="module")
def exact(tiny_folder):
    return load_model(tiny_folder, device="cpu", dtype="float64")


def batch_of(model, prompts, **rest):
    return trace_batch(model, prompts, cache=caches.Paged(BLOCK), **rest)


def hold_as_alone(model, batch, prompts, lengths):
    for prompt, length, run in zip(prompts, lengths, batch.runs, strict=True):
        alone = trace_generation(model, prompt, max_new_tokens=length)
        assert run.token_ids.tolist() == alone.token_ids.tolist()
        assert np.abs(run.all_keys - alone.all_keys).max() < CLOSE
        assert np.abs(run.all_values - alone.all_values).max() < CLOSE
        assert run.reuse_is_proven


def test_runs_join_leave_share_copy_and_take_what_others_gave_back(exact):
    prompts = [PROMPT + " x y", PROMPT + " z", "a b c", "d e", PROMPT]
    lengths, joins = [4, 12, 7, 3, 2], [0, 0, 0, 2, 6]
    told = []
    batch = batch_of(
        exact,
        prompts,
        max_new_tokens=lengths,
        joins=joins,
        progress=lambda done, most: told.append((done, most)),
    )
    hold_as_alone(exact, batch, prompts, lengths)
    # The second begins with rows of the first, which have to be there, and so waits a step.
    assert batch.joined == (0, 1, 0, 2, 6)
    assert batch.begun_with[:4] == (None, 0, None, None)
    assert told[-1] == (sum(lengths), sum(lengths))
    # There is a file of each run, with what it shared, and none of all together.
    again = opened_again(batch.runs[1])
    assert again.options == batch.runs[1].options
    assert again.token_ids.tolist() == batch.runs[1].token_ids.tolist()
    with pytest.raises(TraceFileError, match="Save each of its runs"):
        batch.save("batch.npz")
    first, second = batch.runs[:2]
    n = second.options.n_shared
    assert n >= BLOCK
    assert np.array_equal(first.all_keys[:, :, :n], second.all_keys[:, :, :n])
    prints = [run.written_fingerprints[..., :n] for run in (first, second)]
    assert np.array_equal(*prints)
    # Whole blocks stay in common; the one that both go on in is copied by who writes first.
    whole = n // BLOCK
    after = batch.steps[1]
    assert after.tables[0][:whole] == after.tables[1][:whole]
    assert after.n_shared == whole
    ((_run, old, new),) = batch.copied(1)
    assert n % BLOCK
    assert old == batch.steps[0].tables[0][whole]
    assert new not in batch.steps[0].users
    # What has ended gives its blocks back, and the next to come is given them.
    gone = {block for block, runs in batch.steps[3].users.items() if runs == (0,)}
    later = {block for step in batch.steps[4:] for block in step.users}
    assert 0 not in batch.steps[4].tables
    assert gone & later
    assert batch.n_tokens == sum(lengths)


def test_equal_prompts_share_all_but_the_last_token_and_go_on_by_their_own_seeds(exact):
    batch = batch_of(exact, [PROMPT] * 3, max_new_tokens=6, temperature=1.5, seed=3)
    n = batch.runs[0].n_prompt - 1
    assert [run.options.n_shared for run in batch.runs] == [0, n, n]
    assert batch.joined == (0, 1, 1)
    alone = [
        trace_generation(exact, PROMPT, max_new_tokens=6, temperature=1.5, seed=3 + i)
        for i in range(3)
    ]
    assert [run.tokens for run in batch.runs] == [run.tokens for run in alone]


@settings(max_examples=12)
@given(st.data())
def test_whoever_comes_when_each_block_is_whose_the_tables_say(exact, data):
    n = data.draw(st.integers(1, 5))
    words = st.lists(st.sampled_from("abcd"), min_size=1, max_size=14).map(" ".join)
    prompts = [data.draw(words) for _run in range(n)]
    lengths = [data.draw(st.integers(1, 6)) for _run in range(n)]
    joins = [data.draw(st.integers(0, 5)) for _run in range(n)]
    batch = batch_of(exact, prompts, max_new_tokens=lengths, joins=joins)
    hold_as_alone(exact, batch, prompts, lengths)
    for number, step in enumerate(batch.steps):
        assert step.fed
        for run, table in step.tables.items():
            assert len({*table}) == len(table)
            rows = batch.runs[run].n_prompt + number - batch.joined[run]
            assert step.n_rows[run] == rows
        for block, runs in step.users.items():
            # Whoever has a block in common has it at the same place, behind the same tokens.
            places = {step.tables[run].index(block) for run in runs}
            assert len(places) == 1
            stop = (places.pop() + 1) * BLOCK
            tokens = {tuple(batch.runs[run].token_ids[:stop].tolist()) for run in runs}
            assert len({one[: min(map(len, tokens))] for one in tokens}) == 1
        assert 0 <= batch.slack(number) < 1
        assert batch.n_rows(number) <= step.n_used * BLOCK
    bytes_of_a_row = exact.card.cache_bytes_per_token
    assert batch.block_bytes == BLOCK * bytes_of_a_row
    assert batch.reserved_bytes == n * exact.card.n_ctx * bytes_of_a_row


@pytest.mark.parametrize(
    ("prompts", "rest", "words"),
    [
        ([], {}, "1 to 64 prompts"),
        ("a b", {}, "1 to 64 prompts"),
        (["a"] * 65, {}, "1 to 64 prompts"),
        (["a", "b"], {"max_new_tokens": [1]}, "number of its own"),
        (["a"], {"max_new_tokens": [True]}, "number of its own"),
        (["a"], {"joins": [0.5]}, "number of its own"),
        (["a"], {"cache": caches.Full()}, "lie in blocks"),
    ],
)
def test_what_is_no_batch_is_refused_in_a_sentence(exact, prompts, rest, words):
    with pytest.raises(OptionsError, match=words):
        trace_batch(exact, prompts, **rest)


def test_a_model_with_windows_is_refused_and_a_cancelled_batch_says_so(exact, tmp_path):
    with pytest.raises(OptionsError, match="see the whole text"):
        trace_batch(load_model(WINDOWS.save(tmp_path)), ["a"])
    asked = iter((False, False, True))
    with pytest.raises(RunCancelledError):
        trace_batch(exact, ["a b", "c d"], max_new_tokens=5, cancel=lambda: next(asked))


def test_tables_that_do_not_fit_the_runs_are_no_record(exact):
    batch = batch_of(exact, ["a b c d e f", "b"], max_new_tokens=3)
    step = batch.steps[0]
    short = replace(step, tables={**step.tables, 0: step.tables[0][:-1]})
    with pytest.raises(TraceError, match="different things"):
        replace(batch, steps=(short, *batch.steps[1:]))
    with pytest.raises(TraceError, match="different things"):
        replace(batch, joined=(1, 0))
    with pytest.raises(TraceError, match="different things"):
        replace(batch, steps=batch.steps[:-1])
