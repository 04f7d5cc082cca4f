import csv
import io
from dataclasses import replace

import pytest

from kvviz.analysis import steps_table, to_csv
from tests.factories import make_card, make_dropping, make_packed, make_trace


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def with_new_text(text):
    trace = make_trace()
    return replace(trace, tokens=[*trace.tokens[:-1], text])


@pytest.mark.parametrize("use_cache", [True, False])
def test_a_row_a_step_with_what_the_step_says(use_cache):
    trace = make_trace(use_cache=use_cache)
    trace = replace(trace, special_ids=frozenset({trace.steps[-1].chosen_id}))
    table = steps_table(trace)
    assert [row["chosen_is_special"] for row in table] == [0, 0, 1]
    assert [row["n_computed"] for row in table] == ([4, 1, 1] if use_cache else [4, 5, 6])
    assert [row["n_reused"] for row in table] == ([0, 4, 5] if use_cache else [0, 0, 0])
    assert [row["rows_so_far"] for row in table] == ([4, 5, 6] if use_cache else [4, 9, 15])
    assert [row["chosen_text"] for row in table] == trace.tokens[4:]
    assert [row["chosen_position"] for row in table] == [4, 5, 6]
    assert [row["time_ms"] for row in table] == [step.seconds * 1000 for step in trace.steps]
    assert [row["cache_bytes"] for row in table] == [step.cache_bytes for step in trace.steps]


@pytest.mark.parametrize("use_cache", [True, False])
def test_a_run_with_an_encoder_has_the_rows_of_its_second_cache(use_cache):
    card = make_card(2, 2, 4, family="t5")
    table = steps_table(make_trace(1, 3, card=card, n_encoder=6, use_cache=use_cache))
    assert [row["n_cross_computed"] for row in table] == ([6, 0, 0] if use_cache else [6, 6, 6])
    assert [row["n_cross_reused"] for row in table] == ([0, 6, 6] if use_cache else [0, 0, 0])
    assert [row["rows_so_far"] for row in table] == ([1, 2, 3] if use_cache else [1, 3, 6])
    assert "n_cross_computed" not in steps_table(make_trace())[0]


def test_rows_that_are_gone_or_packed_are_counted_step_by_step():
    dropping, packed = steps_table(make_dropping(n_prompt=4, n_new=4)), steps_table(make_packed())
    # Of four KV heads three drop the two odd rows of the prompt, and then those of every other row.
    assert [row["n_evicted"] for row in dropping] == [6, 0, 3, 0]
    assert [row["n_packed"] for row in packed] == [0, 2, 3, 3]
    assert [row["n_reused"] for row in packed] == [0, 4, 5, 6]
    assert "n_packed" not in dropping[0]
    assert "n_evicted" not in steps_table(make_trace())[0]


def test_csv_reads_back_as_the_table():
    trace = make_trace()
    rows = read(to_csv(trace))
    assert rows == [{name: str(cell) for name, cell in row.items()} for row in steps_table(trace)]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "\t=1", "\r\n@x"])
def test_a_text_that_looks_like_a_formula_is_kept_from_being_one(text):
    assert read(to_csv(with_new_text(text)))[-1]["chosen_text"] == f"'{text}"


@pytest.mark.parametrize("text", [" the", 'a "quote"', "a,b", "line\nbreak", "猫", "a=b", ""])
def test_other_texts_stay_as_they_are(text):
    assert read(to_csv(with_new_text(text)))[-1]["chosen_text"] == text


def test_a_negative_number_is_no_formula():
    assert "'-" not in to_csv(make_trace())
