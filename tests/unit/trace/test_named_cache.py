"""What a trace says of a cache that drops rows, with no model and no engine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kvviz.errors import OptionsError, TraceError
from kvviz.trace import GenerationOptions, GenerationTrace
from kvviz.trace.named_cache import NamedCache
from tests.factories import make_card, make_trace
from tests.trace_files import header_of, saved, with_array, with_header
from tests.unit.trace.test_file import opened, refused

CACHE = NamedCache("window", (("size", 2), ("sinks", 0)))
N_PROMPT, N_NEW = 4, 4


def dropped(*rows: tuple[int, int, int]) -> np.ndarray:
    return np.array(rows, dtype=np.int64).reshape(-1, 3).T.copy()


def make_dropping(**changes) -> GenerationTrace:
    """A run of 2 layers and 2 heads that drops row 0 after step 0, and half of row 1 after 1."""
    trace = make_trace(N_PROMPT, N_NEW, **changes)
    first = dropped(*((layer, head, 0) for layer in range(2) for head in range(2)))
    half = dropped((0, 1, 1), (1, 0, 1), (1, 1, 1))
    evicted = [first, half, dropped(), dropped()]
    steps = [
        replace(
            step,
            evicted=evicted[step.index],
            reused=step.reused[step.reused > 0] if step.index else step.reused,
        )
        for step in trace.steps
    ]
    return replace(trace, steps=steps, options=replace(trace.options, cache=CACHE))


TRACE = make_dropping()


def test_a_row_is_live_until_the_step_that_drops_it():
    assert TRACE.live(0, 0).tolist() == [[True] * 4 + [False] * 3] * 2
    assert TRACE.live(1, 0).tolist() == [[False] + [True] * 4 + [False] * 2] * 2
    assert TRACE.live(2, 0).tolist() == [
        [False, True, True, True, True, True, False],
        [False, False, True, True, True, True, False],
    ]
    # Half of row 1 is still there, so that the position is still reused.
    assert TRACE.steps[2].reused.tolist() == [1, 2, 3, 4]


def test_live_rows_of_a_full_cache_are_all_that_were_written():
    trace = make_trace(N_PROMPT, N_NEW)
    for number in range(N_NEW):
        assert trace.live(number, 1).sum() == 2 * (N_PROMPT + number)
    with pytest.raises(TraceError, match="no step 4"):
        trace.live(4, 0)


def test_a_pattern_is_nan_where_the_row_of_its_head_was_gone():
    for layer in range(2):
        for head in range(2):
            pattern = TRACE.pattern(layer, head)
            for query in range(TRACE.n_rows):
                step = max(query - N_PROMPT + 1, 0)
                live = TRACE.live(step, layer)[head] & (np.arange(TRACE.n_rows) <= query)
                assert np.array_equal(~np.isnan(pattern[query]), live)
            np.testing.assert_allclose(np.nansum(pattern, axis=1), 1, atol=1e-6)


def test_heads_that_share_a_row_lose_it_together():
    trace = make_dropping(n_heads=4, n_kv_heads=2)
    patterns = [np.isnan(trace.pattern(0, head)) for head in range(4)]
    assert np.array_equal(patterns[0], patterns[1])
    assert np.array_equal(patterns[2], patterns[3])
    assert not np.array_equal(patterns[1], patterns[2])


@pytest.mark.parametrize(
    ("number", "evicted", "words"),
    [
        (1, dropped((0, 0, 5)), "have been written"),
        (1, dropped((2, 0, 1)), "have been written"),
        (1, dropped((0, 2, 1)), "have been written"),
        (1, dropped((0, 0, 0)), "gone for good"),
        (1, dropped((0, 1, 1), (0, 0, 1)), "in the order"),
        (1, dropped((0, 1, 1), (0, 1, 1)), "in the order"),
        (1, dropped(*((i, j, 1) for i in range(2) for j in range(2))), "A step does not do"),
    ],
)
def test_rows_that_cannot_be_dropped_are_refused(number, evicted, words):
    steps = [*TRACE.steps]
    steps[number] = replace(steps[number], evicted=evicted)
    with pytest.raises(TraceError, match=words):
        replace(TRACE, steps=steps)


@pytest.mark.parametrize("evicted", [dropped()[:2].copy(), dropped((0, -1, 0))])
def test_a_dropped_row_has_three_coordinates(evicted):
    with pytest.raises(TraceError, match="layer, KV head and position"):
        replace(TRACE.steps[1], evicted=evicted)


def test_a_row_that_is_still_there_must_be_reused_and_one_that_is_gone_must_not():
    for reused in (np.arange(1, 4), np.arange(0, 5), np.arange(2, 5)):
        steps = [*TRACE.steps]
        steps[2] = replace(steps[2], reused=reused)
        with pytest.raises(TraceError, match="A step does not do what its kind of run does"):
            replace(TRACE, steps=steps)


def test_a_run_of_all_or_nothing_drops_nothing():
    for use_cache in (True, False):
        trace = make_trace(N_PROMPT, N_NEW, use_cache=use_cache)
        steps = [replace(trace.steps[0], evicted=dropped((0, 0, 0))), *trace.steps[1:]]
        with pytest.raises(TraceError, match="keeps every row drops none"):
            replace(trace, steps=steps)


def test_a_t5_may_drop_rows_of_its_decoder_and_its_file_says_so():
    trace = make_trace(1, 3, card=make_card(family="t5"))
    card = trace.model
    row = dropped(*((i, j, 0) for i in range(card.n_layers) for j in range(card.n_kv_heads)))
    steps = [replace(trace.steps[0], evicted=row), *trace.steps[1:]]
    steps[1:] = [replace(step, reused=step.reused[step.reused > 0]) for step in steps[1:]]
    with pytest.raises(TraceError, match="keeps every row drops none"):
        replace(trace, steps=steps)
    trace = replace(trace, steps=steps, options=replace(trace.options, cache=CACHE))
    data = saved(trace)
    assert (header_of(data)["format"], header_of(data)["kind"]) == (
        4,
        "encoder-decoder-named-cache",
    )
    again = opened(data)
    assert not again.live(1, 0)[:, 0].any()
    assert saved(again) == data


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: NamedCache("full"), "not one of"),
        (lambda: NamedCache("recomputed"), "not one of"),
        (lambda: NamedCache("A window"), "small letters"),
        (lambda: NamedCache(3), "small letters"),
        (lambda: NamedCache("a", (("size", [1]),)), "plain values"),
        (lambda: NamedCache("a", (("size", float("nan")),)), "plain values"),
        (lambda: NamedCache("a", (("size", (1, (2,))),)), "plain values"),
        (lambda: NamedCache("a", (("size", 1), ("size", 2))), "each its own"),
        (lambda: GenerationOptions(3, use_cache=False, cache=CACHE), "run that uses one"),
        (lambda: GenerationOptions(3, cache="window"), "run that uses one"),
        (lambda: NamedCache.from_json({"name": "a"}), "which cache"),
        (lambda: NamedCache.from_json(None), "which cache"),
    ],
)
def test_what_names_no_cache_is_refused(make, words):
    with pytest.raises(OptionsError, match=words):
        make()


def test_options_say_which_cache_only_where_on_and_off_do_not():
    options = GenerationOptions(3, cache=CACHE)
    assert options.to_json()["cache"] == {"name": "window", "settings": {"size": 2, "sinks": 0}}
    assert GenerationOptions.from_json(options.to_json()) == options
    by_layer = NamedCache("a", (("budget", (4, 0.5)),))
    assert by_layer.to_json()["settings"] == {"budget": [4, 0.5]}
    assert NamedCache.from_json(by_layer.to_json()) == by_layer
    assert "cache" not in GenerationOptions(3).to_json()
    names = [GenerationOptions(3, use_cache=on).cache_name for on in (True, False)]
    assert [*names, options.cache_name] == ["full", "recomputed", "window"]


def test_files_of_the_two_oldest_ways_are_what_they_were():
    assert header_of(saved(make_trace()))["format"] == 1
    assert header_of(saved(make_trace(1, 3, card=make_card(family="t5"))))["format"] == 2
    header = header_of(saved(TRACE))
    assert (header["format"], header["kind"]) == (3, "named-cache")


def test_a_file_must_be_of_the_kind_that_its_options_say():
    data, plain = saved(TRACE), saved(make_trace(N_PROMPT, N_NEW))
    header, other = header_of(data), header_of(plain)
    header["options"].pop("cache")
    assert "Its cache is 'full', in a file of the kind named-cache" in refused(
        with_header(data, header)
    )
    other["options"]["cache"] = CACHE.to_json()
    assert "Its cache is 'window', in a file of the kind generation" in refused(
        with_header(plain, other)
    )


@pytest.mark.parametrize("wrong", [-1, N_NEW + 1])
def test_a_file_reads_its_rows_at_steps_of_its_run(wrong):
    last = TRACE.last_read.copy()
    last[1, 1, 2] = wrong
    assert "other steps than 0 to 3" in refused(with_array(saved(TRACE), "last_read", last))


def test_a_file_that_drops_a_row_before_it_is_written_is_refused():
    last = TRACE.last_read.copy()
    last[1, 1, 6] = 1
    assert "have been written" in refused(with_array(saved(TRACE), "last_read", last))
