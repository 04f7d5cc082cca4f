"""Caches that let rows go: what attention read, who decided, and whether transformers agrees.

What a rule must drop is worked out here once more, from the queries and keys that were observed and
from nothing else, as the papers describe it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from kvviz import caches, load_model, trace_generation
from kvviz.engine.caches.kept_rows import KeptRows
from kvviz.errors import OptionsError
from kvviz.trace import GenerationTrace
from tests.parity.tiny_decoders import FULL, SIX_OVER_TWO, SLIDING, TinyDecoder
from tests.parity.tiny_models import PROMPT, TinyModel
from tests.parity.tiny_t5s import TEXT, TinyT5
from tests.trace_files import opened_again
from tests.unit.engine.conftest import hold_same_run

N_NEW = 7
WINDOW = 7
CASES = [
    TinyModel("odd heads and width", config={"n_embd": 35, "n_head": 5}),
    TinyDecoder("six over two", config=SIX_OVER_TWO),
    TinyDecoder(
        "windows of 7",
        "Gemma3",
        config={
            **SIX_OVER_TWO,
            "sliding_window": WINDOW,
            "layer_types": [SLIDING, FULL, SLIDING],
        },
    ),
    TinyT5("deep decoder", seed=12, config={"num_layers": 1, "num_decoder_layers": 3}),
]
KINDS = [
    caches.Window(3, sinks=2),
    caches.HeavyHitters([4, 9, 5], recent=0.25),
    caches.LeastAttended(5),
    caches.LeastAttended(6, per="layer"),
    caches.Random(6, sinks=1, seed=3),
    caches.Observed(8, window=3, pooling=3),
    caches.Random(8, recent=0.25, once=True),
]


class Run(NamedTuple):
    """A run, the operations that torch counted, and keys and values of each layer by step."""

    trace: GenerationTrace
    n_flops: int
    operands: list


@dataclass(frozen=True)
class Reader:
    """A tiny model, as kvviz and as transformers loads it, and what attention was seen to read.

    Attributes:
        case: What it is.
        ours: kvviz's.
        plain: transformers' own.
        operands: Keys and values of each layer, by step, of the run under way.
    """

    case: TinyModel | TinyDecoder | TinyT5
    ours: object
    plain: object
    operands: list = field(default_factory=list)
    _runs: dict = field(default_factory=dict)

    @property
    def prompt(self) -> str:
        return TEXT if isinstance(self.case, TinyT5) else PROMPT

    def run(self, cache) -> Run:
        """Return a run with a cache, made once."""
        if cache not in self._runs:
            self.operands.clear()
            with FlopCounterMode(display=False) as counter:
                trace = trace_generation(self.ours, self.prompt, max_new_tokens=N_NEW, cache=cache)
            self._runs[cache] = Run(trace, counter.get_total_flops(), [*self.operands])
        return self._runs[cache]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def reader(request, tmp_path_factory):
    folder = request.param.save(tmp_path_factory.mktemp("reader"))
    made = Reader(request.param, load_model(folder), request.param.load_plain(folder))
    settle = KeptRows.settle

    def watched(self, observation, fed):
        read = [(one.key[0].clone(), one.value[0].clone()) for one in observation.attended]
        made.operands.append(read)
        return settle(self, observation, fed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KeptRows, "settle", watched)
        yield made


def leave_out_what_others_show(reader, cache) -> None:
    """Take some kinds alone in a model whose rows are kept as those of another here are."""
    kind, shown = type(cache), reader.case.name
    if shown == "six over two" and kind is caches.Random:
        pytest.skip("rows that are drawn by lot do not mind which heads share them")
    if shown == "deep decoder" and (kind in (caches.Observed, caches.Random) or cache == KINDS[2]):
        pytest.skip("a T5's decoder begins with one token, and its rows are those of a GPT-2")


def in_some_order(rows) -> list[bytes]:
    return sorted(row.tobytes() for row in np.ascontiguousarray(rows))


@pytest.mark.parametrize("cache", KINDS, ids=repr)
def test_attention_reads_the_very_rows_that_are_live_and_no_other(reader, cache):
    leave_out_what_others_show(reader, cache)
    trace, n_flops, operands = reader.run(cache)
    card, n_rows = trace.model, trace.n_rows
    gone = np.zeros((card.n_layers, card.n_kv_heads, n_rows), dtype=bool)
    for number, (step, read) in enumerate(zip(trace.steps, operands, strict=True)):
        ahead = np.arange(n_rows) >= trace.n_prompt + number
        n_bytes = 0
        for layer in range(card.n_layers):
            live = trace.live(number, layer)
            # Live, evicted and unwritten: each row is one of them.
            assert (live.astype(int) + gone[layer] + ahead == 1).all()
            for part, rows in zip(read[layer], (trace.keys, trace.values), strict=True):
                for head in range(card.n_kv_heads):
                    assert in_some_order(part[head].numpy()) == in_some_order(
                        rows(layer)[head, live[head]]
                    )
        gone[tuple(step.evicted)] = True
        n_bytes = (~gone & ~ahead).sum() * 2 * card.d_head * card.bytes_per_number
        cross = 0 if trace.cross is None else trace.cross.keys.nbytes * 2
        assert step.cache_bytes == n_bytes + cross
    assert gone.any() or trace.n_prompt == 1
    encoded = 0 if trace.cross is None else trace.encoder.flops
    assert sum(step.flops for step in trace.steps) + encoded == n_flops
    assert trace.reuse_is_proven


@pytest.mark.parametrize(
    "cache",
    [
        caches.Window(20, sinks=9),
        caches.HeavyHitters(1.0),
        caches.Observed(50, window=3),
    ],
    ids=repr,
)
def test_with_room_for_all_it_is_the_full_cache_to_the_last_bit(reader, cache):
    trace, full = reader.run(cache).trace, reader.run(caches.Full()).trace
    for one, other in zip(full.steps, trace.steps, strict=True):
        assert np.array_equal(one.evicted, other.evicted)  # those that fell out of windows
    if trace.model.windows:
        # Behind them rows lie in another order, and sums round in another way.
        np.testing.assert_allclose(trace.all_keys, full.all_keys, atol=1e-4)
    else:
        hold_same_run(full, trace)


def weights_of(trace: GenerationTrace, layer: int, head: int, query: int, keys) -> np.ndarray:
    """Return what a query head weighs some keys with."""
    kv_head = head * trace.model.n_kv_heads // trace.model.n_heads
    scores = trace.keys(layer)[kv_head, keys] @ trace.queries[layer, head, query]
    scores = scores.astype(np.float64) * trace.score_scale[layer]
    if trace.position_bias is not None:
        scores += trace.position_bias[head, query, keys]
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def kept_by_the_papers(trace: GenerationTrace, cache, layer: int) -> list[list[list[int]]]:
    """Return which positions each KV head of a layer keeps after each step."""
    card, n_prompt = trace.model, trace.n_prompt
    group, window = card.n_heads // card.n_kv_heads, card.window(layer)
    budget = cache.budget[layer] if isinstance(cache.budget, tuple) else cache.budget
    kept = [[] for _head in range(card.n_kv_heads)]
    total = np.zeros((card.n_kv_heads, trace.n_rows))
    after = []
    for number in range(len(trace.steps)):
        n = n_prompt + number
        queries = range(n_prompt) if number == 0 else [n - 1]
        last = np.zeros((card.n_kv_heads, trace.n_rows))
        for query in queries:
            for head in range(card.n_heads):
                kv_head = head // group
                keys = [*kept[kv_head], query] if number else [*range(query + 1)]
                keys = [key for key in keys if window is None or key > query - window]
                weights = weights_of(trace, layer, head, query, keys)
                total[kv_head, keys] += weights
                if query == n - 1:
                    last[kv_head, keys] += weights
                if isinstance(cache, caches.Observed) and query < n_prompt - cache.window:
                    total[kv_head] = 0
        for kv_head in range(card.n_kv_heads):
            there = [*kept[kv_head], n - 1] if number else [*range(n)]
            there = [key for key in there if window is None or key > n - window]
            if isinstance(cache, caches.HeavyHitters):
                most = budget - 1
                n_recent = max(1, round(cache.recent * budget))
                stays = {key for key in there if key > n - n_recent}
                worth = total[kv_head]
            elif isinstance(cache, caches.LeastAttended):
                most, stays = budget - 1, set()
                worth = last.sum(0) if cache.per == "layer" else last[kv_head]
            else:
                most = len(there) if number or window else budget
                first = n_prompt - cache.window
                stays = set(range(first, n))
                reach = cache.pooling // 2
                worth = np.array(
                    [
                        total[kv_head, max(0, key - reach) : min(first, key + reach + 1)].max(
                            initial=0
                        )
                        for key in range(trace.n_rows)
                    ]
                )
            order = sorted(there, key=lambda key: (key in stays, worth[key]), reverse=True)
            kept[kv_head] = sorted(order[:most])
        after.append([list(one) for one in kept])
    return after


@pytest.mark.parametrize(
    "cache",
    [kind for kind in KINDS if not isinstance(kind, caches.Window | caches.Random)],
    ids=repr,
)
def test_the_rows_that_stay_are_those_that_the_paper_keeps(reader, cache):
    leave_out_what_others_show(reader, cache)
    trace = reader.run(cache).trace
    for layer in range(trace.model.n_layers):
        kept = kept_by_the_papers(trace, cache, layer)
        for number in range(1, len(trace.steps)):
            live = trace.live(number, layer)
            new = trace.n_prompt + number - 1
            for head, positions in enumerate(kept[number - 1]):
                assert np.flatnonzero(live[head]).tolist() == [*positions, new], (layer, number)


def test_a_window_keeps_the_last_rows_and_the_sinks(reader):
    trace = reader.run(caches.Window(3, sinks=2)).trace
    for number in range(1, len(trace.steps)):
        new = trace.n_prompt + number - 1
        for layer in range(trace.model.n_layers):
            window = trace.model.window(layer) or 99
            seen = [
                key for key in range(new + 1) if (key < 2 or key > new - 3) and key > new - window
            ]
            if window < 99 and new > window + 1:
                seen = [*range(new - 4, new + 1)]  # sinks have fallen out of the model's own window
            live = trace.live(number, layer)
            assert (live == np.isin(np.arange(trace.n_rows), seen)).all()


def test_transformers_says_the_same_of_a_text_whose_rows_are_hidden_by_a_mask(reader):
    """Where rows go in all layers and heads alike, a mask can hide them in one plain pass.

    A prompt of one token, since in a longer one each query sees all before it.
    """
    is_t5 = isinstance(reader.case, TinyT5)
    prompt = reader.prompt if is_t5 else "T"
    if reader.ours.card.windows:
        return  # a mask of four axes takes the place of the windows
    trace = trace_generation(
        reader.ours, prompt, max_new_tokens=20, cache=caches.Window(4, sinks=2)
    )
    assert trace.n_prompt == 1
    n = trace.n_rows
    seen = np.stack([trace.live(number, 0)[0] for number in range(n)])
    mask = torch.zeros(1, 1, n, n).masked_fill(~torch.tensor(seen), torch.finfo(torch.float32).min)
    ids = torch.tensor(trace.token_ids[None, :-1])
    with torch.no_grad():
        if is_t5:
            text = torch.tensor(trace.encoder.token_ids)[None]
            out = reader.plain(input_ids=text, decoder_input_ids=ids, decoder_attention_mask=mask)
        else:
            out = reader.plain(ids, attention_mask=mask)
    probs = out.logits[0].softmax(-1).numpy()
    for number, step in enumerate(trace.steps):
        # Three layers of float32 rounding.
        np.testing.assert_allclose(probs[number, step.top_ids], step.top_probs, atol=1e-4)


@pytest.mark.parametrize("n_prompt", [1, 12])
def test_sinks_that_are_renumbered_stand_right_before_the_window(tmp_path, n_prompt):
    """In one layer a row is made of its token and place alone: the text may as well be shorter."""
    case = TinyDecoder("one layer", config={**SIX_OVER_TWO, "num_hidden_layers": 1})
    folder = case.save(tmp_path)
    ours, plain = load_model(folder), case.load_plain(folder)
    prompt = "T" if n_prompt == 1 else PROMPT
    cache = caches.Window(4, sinks=2, positions="renumbered")
    trace = trace_generation(ours, prompt, max_new_tokens=14, cache=cache)
    n, card = trace.n_prompt, trace.model
    for step in trace.steps[1:]:
        seen = np.flatnonzero(trace.live(step.index, 0)[0])
        with torch.no_grad():
            out = plain(torch.tensor(trace.token_ids[None, seen]), output_attentions=True)
        probs = out.logits[0, -1].softmax(-1).numpy()
        np.testing.assert_allclose(probs[step.top_ids], step.top_probs, atol=1e-5)
        for head in range(card.n_heads):
            pattern = trace.pattern(0, head)[n + step.index - 1]
            np.testing.assert_allclose(pattern[seen], out.attentions[0][0, head, -1], atol=1e-5)
        # The sinks' keys are there twice: as they were written, and as they are read.
        extra = 2 * card.cache_bytes_per_token // 2 if trace.steps[step.index].evicted.size else 0
        assert step.cache_bytes == min(n + step.index, 5) * card.cache_bytes_per_token + extra
    assert trace.reuse_is_proven
    again = opened_again(trace)
    assert np.array_equal(again.pattern(0, 5), trace.pattern(0, 5), equal_nan=True)


def test_positions_are_not_renumbered_where_keys_are_not_turned(reader):
    cache = caches.Window(4, sinks=2, positions="renumbered")
    if reader.case.name == "six over two":
        return
    words = "see a window" if reader.ours.card.windows else "not told by turning keys"
    with pytest.raises(OptionsError, match=words):
        trace_generation(reader.ours, reader.prompt, max_new_tokens=2, cache=cache)
