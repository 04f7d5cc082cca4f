"""What ways of keeping rows take by formula: what the tensors of such runs hold, to the byte."""

import pytest

from kvviz import caches, load_model, trace_generation
from kvviz.analysis.cache_size import cache_terms
from kvviz.analysis.kept_bytes import Keeping, kept_bytes, kept_term_bytes, step_flops
from kvviz.errors import OptionsError
from kvviz.lessons.model_table import model_table
from tests.parity.tiny_decoders import SIX_OVER_TWO, TinyDecoder
from tests.parity.tiny_models import PROMPT

N_NEW = 9


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    return load_model(TinyDecoder("six over two", config=SIX_OVER_TWO).save(folder))


@pytest.mark.parametrize(
    ("cache", "keeping"),
    [
        (caches.Full(), Keeping()),
        (caches.Window(4, sinks=2), Keeping(rows=6)),
        (caches.HeavyHitters(5), Keeping(rows=5)),
        (caches.Random(6, sinks=2), Keeping(rows=6)),
        (caches.Quantised(4, 4, "token", "token", 3), Keeping(bits=4, group=3)),
        (caches.Quantised(8, 8, "token", "token", 6), Keeping(bits=8, group=6)),
    ],
    ids=str,
)
def test_the_formula_gives_the_bytes_and_operations_of_a_run(llama, cache, keeping):
    run = trace_generation(llama, PROMPT, max_new_tokens=N_NEW, cache=cache)
    card, last = run.model, run.steps[-1]
    assert last.cache_bytes == kept_bytes(card, run.n_rows, keeping)
    assert last.flops == step_flops(card, run.n_rows, keeping)


def test_layers_with_windows_keep_no_more_than_these():
    from dataclasses import replace

    from tests.factories import make_card

    card = replace(make_card(2, 4, 8), windows=(4, 0))
    a_row = 2 * 4 * 8 * 4
    assert kept_bytes(card, 10, Keeping(rows=8)) == (3 + 7) * a_row
    assert kept_bytes(card, 10, Keeping(rows=3)) == 2 * 2 * a_row
    with pytest.raises(OptionsError, match="1 or more"):
        Keeping(rows=0)


def test_of_an_architecture_it_is_the_cache_of_the_table_where_nothing_is_left_out():
    tried = 0
    for row in model_table():
        shape = row.shape
        if shape is None or shape.attention == "other":
            continue
        for term in cache_terms(shape, 3_000):
            assert kept_term_bytes(term, Keeping(), 16) == term.bytes_in("bfloat16")
            few = kept_term_bytes(term, Keeping(rows=101), 16)
            assert few * min(term.n_rows, 10**9) == term.bytes_in("bfloat16") * (
                term.n_rows if term.is_constant else min(100, term.n_rows)
            )
            tried += 1
    assert tried > 20
