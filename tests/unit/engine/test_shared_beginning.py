"""A run that begins with the rows of another: what it takes over, computes, proves and refuses."""

import io
from dataclasses import replace

import numpy as np
import pytest
from torch.utils.flop_counter import FlopCounterMode

from kvviz import caches, load_model, open_trace, trace_generation
from kvviz.engine import trace_both
from kvviz.errors import (
    ContextLengthError,
    ObservationError,
    OptionsError,
    PromptError,
    TraceError,
)
from tests.parity.closeness import assert_close
from tests.parity.tiny_decoders import FULL, SIX_OVER_TWO, SLIDING, TinyDecoder
from tests.parity.tiny_models import TinyModel
from tests.unit.engine.conftest import hold_same_run

FIRST = "The cat sat on the mat, and the dog sat by"
SECOND = "The cat sat on the mat, and a bird saw"
CASES = [
    TinyModel("odd heads", config={"n_embd": 35, "n_head": 5}),
    TinyDecoder("six over two", config=SIX_OVER_TWO),
    TinyDecoder("bfloat16", dtype="bfloat16", config=SIX_OVER_TWO),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def decoder(request, tmp_path_factory):
    folder = request.param.save(tmp_path_factory.mktemp("shared"))
    return load_model(folder, device="cpu", dtype=request.param.dtype)


@pytest.fixture
def refused(model):
    """Runs that must be refused; the sentence that says why is returned."""

    def run(**asked):
        with pytest.raises(OptionsError) as caught:
            trace_generation(asked.pop("model", model), SECOND, max_new_tokens=2, **asked)
        return str(caught.value)

    return run


def test_the_rows_in_common_are_read_bit_for_bit_and_the_others_written(decoder):
    first = trace_generation(decoder, FIRST, max_new_tokens=6)
    alone = trace_generation(decoder, SECOND, max_new_tokens=6)
    with FlopCounterMode(display=False) as counter:
        second = trace_generation(decoder, SECOND, max_new_tokens=6, prefix=first)
    same = first.token_ids[: alone.n_prompt] == alone.token_ids[: alone.n_prompt]
    n = int(same.argmin())
    assert 3 < n == second.options.n_shared < second.n_prompt
    prefill = second.steps[0]
    assert prefill.reused.tolist() == list(range(n))
    assert prefill.fed.tolist() == prefill.computed.tolist() == list(range(n, second.n_prompt))
    assert [step.reused.size for step in second.steps[1:]] == [
        step.reused.size for step in alone.steps[1:]
    ]
    for name in ("all_keys", "all_values", "queries"):
        assert np.array_equal(getattr(second, name)[:, :, :n], getattr(first, name)[:, :, :n])
    # Whose fingerprints were taken in the other run.
    assert second.reuse_is_proven
    assert np.array_equal(second.written_fingerprints[..., :n], first.written_fingerprints[..., :n])
    assert sum(step.flops for step in second.steps) == counter.get_total_flops()
    assert prefill.flops < alone.steps[0].flops * (1 - n / (2 * alone.n_prompt))
    # Not in bfloat16, where the last bit of a short pass may choose another token.
    if decoder.card.dtype == "float32":
        assert second.token_ids.tolist() == alone.token_ids.tolist()
        unit = np.finfo(np.float32).eps
        for name in ("all_keys", "all_values"):
            # A shorter pass may sum in another order, once in each of three layers.
            assert_close(getattr(second, name), getattr(alone, name), 3 * unit, name)


def test_a_run_that_shares_nothing_or_all_but_the_last_token(model):
    plain = trace_generation(model, SECOND, max_new_tokens=4)
    other = trace_generation(model, "x", max_new_tokens=4)
    hold_same_run(trace_generation(model, SECOND, max_new_tokens=4, prefix=other), plain)
    again = trace_generation(model, SECOND, max_new_tokens=4, prefix=plain)
    assert (again.options.n_shared, again.steps[0].fed.size) == (plain.n_prompt - 1, 1)
    # What the other run wrote itself is shared as well, and so is what it took over.
    on = plain.text + " the dog"
    further = trace_generation(model, on, max_new_tokens=2, prefix=again)
    n = further.options.n_shared
    assert plain.n_prompt < n <= plain.n_rows
    assert np.array_equal(further.all_values[:, :, :n], again.all_values[:, :, :n])


def test_a_file_keeps_what_was_shared_and_a_prompt_is_never_shared_whole(model):
    first = trace_generation(model, FIRST, max_new_tokens=2)
    second = trace_generation(model, SECOND, max_new_tokens=2, prefix=first)
    file = io.BytesIO()
    second.save(file)
    file.seek(0)
    opened = open_trace(file)
    hold_same_run(opened, second)
    assert opened.options == second.options
    for n in (second.n_prompt, second.options.n_shared + 1):
        with pytest.raises(TraceError):
            replace(second, options=replace(second.options, n_shared=n))
    for odd in (-1, 1.0, True):
        with pytest.raises(OptionsError, match="Rows of another run"):
            replace(second.options, n_shared=odd)
    with pytest.raises(OptionsError, match="Rows of another run"):
        replace(second.options, use_cache=False)


def test_a_row_that_is_not_the_one_that_was_written_is_found_out(model):
    first = trace_generation(model, FIRST, max_new_tokens=2)
    keys = first.all_keys.copy()
    keys[1, 0, 2, 3] = np.nextafter(keys[1, 0, 2, 3], np.float32(9))
    with pytest.raises(ObservationError):
        trace_generation(model, SECOND, max_new_tokens=2, prefix=replace(first, all_keys=keys))


def test_what_cannot_begin_with_the_rows_of_another_run_is_refused(
    refused, model, t5, tmp_path, tiny_folder
):
    first = trace_generation(model, FIRST, max_new_tokens=2)
    dropped = trace_generation(model, FIRST, max_new_tokens=2, cache=caches.Window(3))
    recomputed = trace_generation(model, FIRST, max_new_tokens=2, use_cache=False)
    assert "the trace of another run" in refused(prefix="a run")
    assert "kept every one of them" in refused(prefix=dropped)
    assert "'recomputed'" in refused(prefix=recomputed)
    assert "keeps every row" in refused(prefix=first, cache=caches.Window(3))
    assert "keeps every row" in refused(prefix=first, use_cache=False)
    assert "keeps every row" in refused(prefix=first, model=t5)
    windowed = TinyDecoder(
        "windows", "Gemma3", config={"sliding_window": 3, "layer_types": [SLIDING, FULL, SLIDING]}
    )
    gemma = load_model(windowed.save(tmp_path / "gemma"), device="cpu")
    assert "keeps every row" in refused(prefix=first, model=gemma)
    other = load_model(TinyModel("other", config={"n_layer": 1}).save(tmp_path / "other"))
    assert "mean nothing to another" in refused(prefix=first, model=other)
    exact = load_model(tiny_folder, device="cpu", dtype="float64")
    of_exact = trace_generation(exact, FIRST, max_new_tokens=2)
    assert "to the last bit" in refused(prefix=of_exact, model=exact)


def test_a_branch_takes_another_token_and_every_row_before_it(decoder):
    first = trace_generation(decoder, FIRST, max_new_tokens=6)
    step = 2
    at = first.n_prompt + step
    other = int(first.steps[step].top_ids[first.steps[step].top_ids != first.token_ids[at]][0])
    ids = np.append(first.token_ids[:at], other)
    branch = trace_generation(decoder, ids, max_new_tokens=3, prefix=first)
    # The very tokens, whatever their text would be cut into.
    assert branch.token_ids[: at + 1].tolist() == ids.tolist()
    assert branch.n_prompt == at + 1
    assert branch.prompt == decoder.text_of(ids[len(decoder.first_ids) :])
    assert branch.steps[0].reused.tolist() == list(range(at))
    assert branch.steps[0].computed.tolist() == [at]
    assert np.array_equal(
        branch.final_fingerprints[:, :, :at], first.written_fingerprints[:, :, :at]
    )
    both = trace_both(decoder, ids.tolist(), max_new_tokens=3, prefix=first)
    assert both.cached.options.n_shared == at
    assert [step.computed.size for step in both.uncached.steps] == [at + 1, at + 2, at + 3]
    if decoder.card.dtype == "float32":
        unit = 3 * np.finfo(np.float32).eps
        assert_close(both.cached.all_keys, both.uncached.all_keys, unit, "keys")


def test_tokens_that_are_no_prompt_are_refused(model, t5):
    for ids, words in (
        ([1, model.card.d_vocab], "Token ids are whole numbers of the vocabulary"),
        ([-1], "Token ids are whole numbers of the vocabulary"),
        (np.empty(0, np.int64), "There are none"),
    ):
        with pytest.raises(PromptError, match=words):
            trace_generation(model, ids, max_new_tokens=1)
    with pytest.raises(PromptError, match="Only a decoder goes on from tokens"):
        trace_generation(t5, [1, 2], max_new_tokens=1)
    with pytest.raises(ContextLengthError):
        trace_generation(model, [1] * model.card.n_ctx, max_new_tokens=1)
