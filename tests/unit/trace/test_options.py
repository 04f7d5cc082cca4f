import json
from dataclasses import FrozenInstanceError

import pytest

from kvviz.errors import OptionsError
from kvviz.trace import GenerationOptions


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"max_new_tokens": 0}, "New tokens"),
        ({"max_new_tokens": -3}, "New tokens"),
        ({"max_new_tokens": 2.0}, "New tokens"),
        ({"max_new_tokens": True}, "New tokens"),
        ({"use_cache": 1}, "cache"),
        ({"temperature": -0.1}, "Temperature"),
        ({"temperature": float("nan")}, "Temperature"),
        ({"temperature": float("inf")}, "Temperature"),
        ({"temperature": "1"}, "Temperature"),
        ({"top_k": 0}, "Top-k"),
        ({"top_k": 1.5}, "Top-k"),
        ({"top_p": 0.0}, "Top-p"),
        ({"top_p": 1.01}, "Top-p"),
        ({"top_p": float("nan")}, "Top-p"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"stop_ids": [3]}, "ends a run"),
        ({"stop_ids": (-1,)}, "ends a run"),
        ({"stop_ids": (True,)}, "ends a run"),
    ],
)
def test_a_setting_out_of_its_range_is_named(change, words):
    with pytest.raises(OptionsError, match=words):
        GenerationOptions(**({"max_new_tokens": 4} | change))


def test_the_ends_of_each_range_are_allowed():
    options = GenerationOptions(
        1, temperature=0, top_k=1, top_p=1.0, seed=2**63 - 1, stop_ids=(0, 7)
    )
    assert GenerationOptions.from_json(options.to_json()) == options
    with pytest.raises(FrozenInstanceError):
        options.seed = 0


def test_a_header_names_what_ends_a_run_only_where_something_does():
    data = GenerationOptions(4).to_json()
    assert "stop_ids" not in data
    assert GenerationOptions.from_json(data) == GenerationOptions(4)
    assert json.loads(json.dumps(GenerationOptions(4, stop_ids=(9,)).to_json()))["stop_ids"] == [9]


@pytest.mark.parametrize(
    "data", [None, [], {}, {"max_new_tokens": 4}, GenerationOptions(4).to_json() | {"stop_ids": 3}]
)
def test_options_of_other_fields_are_refused(data):
    with pytest.raises(OptionsError, match="settings"):
        GenerationOptions.from_json(data)


def test_a_run_is_greedy_and_cached_unless_it_is_asked_not_to_be():
    options = GenerationOptions(4)
    assert (options.use_cache, options.temperature, options.seed) == (True, 0.0, 0)
    assert options.top_k is options.top_p is None
