"""A family of models that nobody foresaw is one object in a table: here GPT-2 by another name."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from kvviz import open_trace
from kvviz.engine import (
    fill_from_left,
    load_model,
    log_likelihood,
    rows_at_two_places,
    trace_encoding,
    trace_generation,
)
from kvviz.engine.models.families import FAMILIES
from kvviz.errors import ModelFamilyError
from tests.parity.tiny_models import PROMPT
from tests.unit.engine.conftest import hold_same_run


class ToyGPT2(type(FAMILIES["gpt2"])):
    name = "toy_gpt2"
    title = "Toy GPT-2"


@pytest.fixture
def toy(folder, monkeypatch):
    monkeypatch.setitem(FAMILIES, "toy_gpt2", ToyGPT2())
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_type": "toy_gpt2"}))
    return load_model(folder, device="cpu")


def test_a_family_and_its_cards_agree_on_what_it_has(model, bert, t5):
    for one in (model, bert, t5):
        assert one.family is FAMILIES[one.card.family]
        assert one.card.architecture == one.family.architecture


def test_it_loads_from_a_folder_under_its_own_name(toy):
    assert (toy.card.family, toy.card.architecture) == ("toy_gpt2", "decoder")
    assert toy.family.title == "Toy GPT-2"


@pytest.mark.parametrize("use_cache", [True, False])
def test_its_runs_are_those_of_a_gpt2(toy, model, use_cache):
    ours = trace_generation(toy, PROMPT, max_new_tokens=5, use_cache=use_cache)
    theirs = trace_generation(model, PROMPT, max_new_tokens=5, use_cache=use_cache)
    hold_same_run(ours, theirs)


def test_it_reads_a_text_as_a_gpt2_does(toy, model):
    ours, theirs = (trace_encoding(one, PROMPT) for one in (toy, model))
    assert ours.mask == "causal"
    assert np.array_equal(ours.label_logprobs, theirs.label_logprobs, equal_nan=True)
    assert np.array_equal(ours.hidden_states, theirs.hidden_states)


def test_its_trace_is_saved_and_opened_where_nobody_knows_the_family(toy, monkeypatch):
    trace, file = trace_generation(toy, PROMPT, max_new_tokens=3), io.BytesIO()
    trace.save(file)
    monkeypatch.delitem(FAMILIES, "toy_gpt2")
    again = open_trace(file)
    assert again.model.family == "toy_gpt2"
    assert np.array_equal(again.pattern(1, 0), trace.pattern(1, 0), equal_nan=True)
    assert trace._repr_html_().startswith("<iframe"), "the player draws it"


def test_what_is_made_for_a_gpt2_alone_says_which_family_it_found(toy):
    with pytest.raises(ModelFamilyError, match="is a Toy GPT-2"):
        fill_from_left(toy, [1, 2, 3], 2)


def test_a_decoder_is_scored_and_moved_whatever_its_family(toy, model):
    ids = model.tokenize(PROMPT)
    assert log_likelihood(toy, ids).total == log_likelihood(model, ids).total
    ours, theirs = (rows_at_two_places(one, ids, 3) for one in (toy, model))
    assert np.array_equal(ours.moved_keys, theirs.moved_keys)
