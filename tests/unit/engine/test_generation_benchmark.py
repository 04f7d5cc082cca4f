"""The measurement itself, on a tiny model: that it compares like with like, not how fast."""

from __future__ import annotations

import pytest

from benchmarks import generation
from benchmarks.generation import _subject, _time_ways, _ways, prompt_of
from benchmarks.tables import as_markdown


@pytest.fixture
def subject(tiny_folder):
    return _subject(tiny_folder, "cpu")


def test_all_ways_give_the_same_tokens(subject):
    tokens = {name: run() for name, run in _ways(subject, 9, 4).items()}
    assert len(tokens) == 4
    assert len(tokens["generate"]) == 13
    assert all(other == tokens["generate"] for other in tokens.values())


def test_every_way_is_timed_at_every_turn(subject):
    seconds = _time_ways(subject, 5, 2, repeats=3)
    assert {name: len(times) for name, times in seconds.items()} == dict.fromkeys(
        ["generate", "trace", "generate_with_attentions", "clone_the_cache"], 3
    )


def test_ways_that_differ_are_no_measurement(subject, monkeypatch):
    monkeypatch.setattr(generation, "_clone_every_step", lambda *_: [1, 2, 3])
    with pytest.raises(RuntimeError, match="not the same tokens"):
        _time_ways(subject, 5, 2, repeats=1)


@pytest.mark.parametrize("n_tokens", [1, 7, 39])
def test_prompt_has_the_number_of_tokens(subject, n_tokens):
    assert subject.traced.count_tokens(prompt_of(subject.traced, n_tokens)) == n_tokens


def test_table_shows_the_machine_and_every_row():
    spread = {"median": 0.12345, "low": 0.1, "high": 0.2, "n": 5}
    result = {"machine": {"cores": 2}, "part_one": [{"tokens": 1024, "seconds": spread}]}
    assert as_markdown("speed", result).splitlines() == [
        "# Speed",
        "",
        "cores 2",
        "",
        "## Part one",
        "",
        "| tokens | seconds |",
        "| --- | --- |",
        "| 1,024 | 0.123 (0.1 to 0.2) |",
    ]
