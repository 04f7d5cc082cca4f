"""What traces, analysis, lessons and the command line say follows the language of who reads it."""

import io
from dataclasses import replace

import pytest

from kvviz.__main__ import main
from kvviz.analysis import agreement, cache_arithmetic, cache_bytes, fewer
from kvviz.analysis.cache_size import bits, cache_terms
from kvviz.errors import KvvizError
from kvviz.lessons import lessons
from kvviz.lessons.model_table import read_models
from kvviz.lessons.training_film import read_film
from kvviz.trace.architecture import Architecture
from kvviz.trace.named_cache import NamedCache
from kvviz.trace.options import GenerationOptions
from kvviz.trace.storage import open_trace
from kvviz.translation import PSEUDO, using
from tests.factories import make_card, make_comparison, make_trace

SHAPE = Architecture("decoder", "GQA", 2, 4, 2, d_head=8, d_model=32, d_vocab=9, n_ctx=16)


def is_translated(text: str) -> bool:
    return text.startswith("⟦") and text.endswith("⟧")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda _path: GenerationOptions(0),
        lambda _path: NamedCache("full"),
        lambda _path: make_card(n_layers=0),
        lambda _path: replace(SHAPE, n_window_layers=5, window=8),
        lambda _path: make_trace().keys(9),
        lambda _path: replace(make_trace(), n_prompt=0),
        lambda _path: open_trace(io.BytesIO(b"no trace")),
        lambda path: open_trace(path / "none.npz"),
        lambda path: make_trace().save(path / "no folder" / "trace.npz"),
        lambda _path: cache_bytes(make_card(), -1),
        lambda _path: bits("5 bits"),
        lambda _path: lessons("en").caption("none"),
    ],
)
def test_all_parts_of_an_error_are_said_in_the_language(wrong, tmp_path):
    with using(PSEUDO), pytest.raises(KvvizError) as caught:
        wrong(tmp_path)
    parts = (caught.value.what, caught.value.found, caught.value.fix)
    assert [part for part in parts if part and not is_translated(part)] == []


@pytest.mark.parametrize("read", [read_models, read_film])
def test_what_python_found_in_a_file_stays_as_it_says_it(read, tmp_path):
    with using(PSEUDO), pytest.raises(KvvizError) as caught:
        read(tmp_path / "none")
    assert is_translated(caught.value.what)
    assert "No such file" in caught.value.found


def test_figures_in_words_are_said_in_the_language():
    with using(PSEUDO):
        assert all(map(is_translated, cache_arithmetic(make_card()).split(" × ")[1:]))
        assert is_translated(agreement(make_comparison()).sentence())
        assert [is_translated(fewer(1, n, "rows")) for n in (1, 2)] == [True, True]
        assert all(is_translated(one.what + one.row) for one in cache_terms(SHAPE, 3))


def test_one_of_a_thing_is_said_of_one():
    assert cache_arithmetic(make_card(1, 1, 8)) == "2 × 1 layer × 1 head × 8 numbers × 4 bytes"
    window = replace(SHAPE, n_window_layers=1, window=1)
    assert cache_terms(window, 3)[1].what == "rows of the last 1 position"


def test_the_command_line_says_how_it_is_used_in_the_language(capsys):
    with using(PSEUDO), pytest.raises(SystemExit):
        main(["trace", "--help"])
    help_lines = capsys.readouterr().out
    assert help_lines.count("⟦") >= 12
    assert "save the trace" not in help_lines
