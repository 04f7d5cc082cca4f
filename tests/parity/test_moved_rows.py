"""Rows of a text further on: observed as transformers makes them, and told by a turn or not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import DynamicCache

from kvviz.engine import how_far, load_model, rows_at_two_places
from kvviz.errors import ContextLengthError, ModelFamilyError, OptionsError, PromptError
from tests.parity.tiny_decoders import TINY_DECODERS
from tests.parity.tiny_models import PROMPT, TINY_MODELS

N_PLACES = 11


def _rows_of_transformers(plain, ids, first):
    """Return keys and values as its cache has them, layer by layer."""
    cache = DynamicCache()  # without the config it keeps every row
    places = torch.arange(first, first + len(ids))[None]
    with torch.no_grad():
        plain(torch.tensor([ids]), position_ids=places, past_key_values=cache, use_cache=True)
    return (
        torch.cat([getattr(layer, name) for layer in cache.layers]).double().numpy()
        for name in ("keys", "values")
    )


def _near(ours, theirs, unit):
    """Hold two makings of the same rows to each other, at the scale of the largest number.

    Angles are float32 in transformers, whatever the model's numbers are; at the place 30 one is off
    by 2e-6. Three layers add to what one rounding costs.
    """
    limit = 32 * max(unit, torch.finfo(torch.float32).eps) * max(1.0, np.abs(theirs).max())
    assert np.abs(ours - theirs).max() <= limit


@pytest.mark.parametrize("case", TINY_DECODERS, ids=lambda one: f"{one.kind} {one.name}")
def test_a_turn_makes_the_keys_that_the_model_has_further_on(case, tmp_path):
    folder = case.save(tmp_path)
    model, plain = load_model(folder, device="cpu", dtype=case.dtype), case.load_plain(folder)
    ids = [*model.first_ids, *model.tokenize(PROMPT)]
    rows = rows_at_two_places(model, ids, N_PLACES)
    unit = torch.finfo(model.dtype).eps
    for first, keys, values in (
        (0, rows.keys, rows.values),
        (N_PLACES, rows.moved_keys, rows.moved_values),
    ):
        expected_keys, expected_values = _rows_of_transformers(plain, ids, first)
        _near(keys, expected_keys, unit)
        _near(values, expected_values, unit)
    _near(rows.turned_keys, rows.moved_keys, unit)
    _near(rows.values, rows.moved_values, unit)
    if model.dtype == torch.float64:
        # Angles too: with those of transformers, of float32, a millionth would be left.
        assert how_far(rows.turned_keys, rows.moved_keys).max() < 1e-12
        assert how_far(rows.values, rows.moved_values).max() < 1e-12
    turns = getattr(plain.config, "no_rope_layers", [1] * 3)
    for layer, keys in enumerate(rows.keys):
        unturned = how_far(keys, rows.moved_keys[layer]).max()
        assert unturned > 0.1 if turns[layer] else unturned < 0.1


@pytest.mark.parametrize("case", TINY_MODELS, ids=lambda one: one.name)
def test_a_gpt2_has_other_rows_further_on_and_no_turn(case, tmp_path):
    folder = case.save(tmp_path)
    model, plain = load_model(folder, device="cpu", dtype=case.dtype), case.load_plain(folder)
    ids = model.tokenize(PROMPT)[:8]
    n_places = min(N_PLACES, model.card.n_ctx - len(ids))
    rows = rows_at_two_places(model, ids, n_places)
    unit = torch.finfo(model.dtype).eps
    expected_keys, expected_values = _rows_of_transformers(plain, ids, n_places)
    _near(rows.moved_keys, expected_keys, unit)
    _near(rows.moved_values, expected_values, unit)
    assert rows.turned_keys is None
    assert rows.best_keys is rows.keys
    for layer in range(model.card.n_layers):
        assert how_far(rows.keys[layer], rows.moved_keys[layer]).max() > 0.1
        assert how_far(rows.values[layer], rows.moved_values[layer]).max() > 0.1


def test_how_far_is_told_in_lengths_of_what_is_wanted():
    rows, wanted = np.array([[3.0, 4], [0, 0], [1, 0]]), np.array([[0.0, 4], [0, 0], [0, 0]])
    assert how_far(rows, wanted).tolist() == [0.75, 0.0, np.inf]


@pytest.mark.parametrize("n_places", [0, -1, 41, True, 1.0, "3"])
def test_a_text_cannot_be_moved_by_so_many_places(n_places, tmp_path):
    model = load_model(TINY_DECODERS[0].save(tmp_path), device="cpu")
    assert model.card.n_ctx == 48
    assert rows_at_two_places(model, [1] * 8, 40).n_places == 40
    with pytest.raises(OptionsError, match="8 tokens is moved by 1 to 40 places") as caught:
        rows_at_two_places(model, [1] * 8, n_places)
    assert repr(n_places) in str(caught.value)


def test_only_a_decoder_is_asked_and_only_of_a_text_that_fits(tmp_path):
    model = load_model(TINY_DECODERS[0].save(tmp_path), device="cpu")
    with pytest.raises(PromptError, match="empty"):
        rows_at_two_places(model, [], 1)
    with pytest.raises(ContextLengthError):
        rows_at_two_places(model, [1] * 49, 1)
    with pytest.raises(ModelFamilyError, match="Only a decoder"):
        rows_at_two_places(load_model("kvviz/bert-mini", device="cpu"), [50], 1)
