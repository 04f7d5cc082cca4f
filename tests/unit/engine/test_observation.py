"""The observers catch lies: a run that does not do what it says ends in an error."""

from __future__ import annotations

import pytest
import torch

from kvviz.engine import trace_generation
from kvviz.engine.caches import Recomputed
from kvviz.engine.caches.full import FullRows
from kvviz.engine.caches.preallocated_layer import PreallocatedLayer
from kvviz.engine.caches.recomputed import RecomputedRows
from kvviz.engine.observing import observation as observation_module
from kvviz.engine.observing.observation import StepObservation
from kvviz.errors import ObservationError
from tests.parity.tiny_models import PROMPT


@pytest.fixture
def lie(monkeypatch):
    """Replace the update of the cache layers by one that lies from position 14 on."""

    def install(dishonest):
        honest = PreallocatedLayer.update

        def update(self, keys, values, *rest, **named):
            if self.get_seq_length() < 14:
                return honest(self, keys, values, *rest, **named)
            return dishonest(self, honest, keys, values)

        monkeypatch.setattr(PreallocatedLayer, "update", update)

    return install


def drops_the_oldest_row(layer, honest, keys, values):
    keys, values = honest(layer, keys, values)
    return keys[:, :, 1:], values[:, :, 1:]


def returns_a_copy(layer, honest, keys, values):
    keys, values = honest(layer, keys, values)
    return keys.clone(), values.clone()


def returns_only_the_new_row(layer, honest, keys, values):
    honest(layer, keys, values)
    return keys, values


def writes_twice(layer, honest, keys, values):
    honest(layer, keys, values)
    return honest(layer, keys, values)


def writes_nothing(layer, honest, keys, values):
    return layer.keys, layer.values


def writes_over_the_last_row(layer, honest, keys, values):
    layer._show(layer.get_seq_length() - 1)
    return honest(layer, keys, values)


def writes_the_last_row_again(layer, honest, keys, values):
    last_key, last_value = layer.keys[:, :, -1:].clone(), layer.values[:, :, -1:].clone()
    layer._show(layer.get_seq_length() - 1)
    honest(layer, last_key, last_value)
    return honest(layer, keys, values)


@pytest.mark.parametrize(
    ("dishonest", "words"),
    [
        (drops_the_oldest_row, "Attention saw 1 query, 14 keys and 14 values"),
        (returns_a_copy, "Attention read other rows than the cache's"),
        (returns_only_the_new_row, "Attention saw 1 query, 1 key and 1 value"),
        (writes_twice, "Attention saw 1 query, 16 keys and 16 values"),
        (writes_nothing, "Attention saw 1 query, 14 keys and 14 values"),
        (writes_over_the_last_row, "Attention saw 1 query, 14 keys and 14 values"),
        (writes_the_last_row_again, "cache wrote positions 13 to 13, 14 to 14"),
    ],
)
def test_cache_that_lies_is_caught(model, lie, dishonest, words):
    assert trace_generation(model, PROMPT, max_new_tokens=8).reuse_is_proven
    lie(dishonest)
    with pytest.raises(
        ObservationError, match=f"{words}. That was in layer 0; the step fed positions 14 to 14"
    ):
        trace_generation(model, PROMPT, max_new_tokens=8)


def test_cache_that_outgrows_its_room_is_caught(model, lie):
    lie(writes_twice)
    with pytest.raises(ObservationError, match=r"room for 14, and 14|room for 15, and 15"):
        trace_generation(model, PROMPT, max_new_tokens=4)


@pytest.mark.parametrize(("which", "name"), [(0, "K"), (1, "V")])
def test_row_that_is_changed_in_secret_fails_its_fingerprint(model, lie, which, name):
    def changes_an_old_row(layer, honest, keys, values):
        room = (layer._key_room, layer._value_room)[which]
        room[0, 1, 5, 2] = torch.nextafter(room[0, 1, 5, 2], torch.tensor(torch.inf))
        return honest(layer, keys, values)

    lie(changes_an_old_row)
    with pytest.raises(
        ObservationError, match=rf"The first is the {name} row of layer 0, position 5"
    ):
        trace_generation(model, PROMPT, max_new_tokens=8)


def test_rows_that_are_computed_again_in_secret_are_caught(model, monkeypatch):
    """Attention that projects the rows once more and throws the result away."""
    module = model.module.transformer.h[1].attn
    honest = module.forward

    def forward(hidden_states, *rest, **named):
        module.c_attn(hidden_states)
        return honest(hidden_states, *rest, **named)

    monkeypatch.setattr(module, "forward", forward)
    with pytest.raises(
        ObservationError, match=r"Rows were projected: .* 12 in layer 1, 12 in layer 1"
    ):
        trace_generation(model, PROMPT[:60], max_new_tokens=2)


def test_layer_that_does_not_attend_is_caught(model, monkeypatch):
    monkeypatch.setattr(StepObservation, "saw_attention", lambda *_, **__: None)
    with pytest.raises(ObservationError, match="0 layers attended"):
        trace_generation(model, PROMPT, max_new_tokens=2)


def test_hook_that_hears_nothing_is_caught(model, monkeypatch):
    class Deaf:
        def get(self):
            return None

        def set(self, _):
            return None

        def reset(self, _):
            return None

    monkeypatch.setattr(observation_module, "_current", Deaf())
    with pytest.raises(ObservationError, match="Rows were projected: none"):
        trace_generation(model, PROMPT, max_new_tokens=2)


def test_cache_used_in_a_run_without_one_is_caught(model, monkeypatch):
    class Sly(RecomputedRows):
        """Keeps a cache and feeds one row, and would be told of as a run without."""

        def __init__(self, place):
            super().__init__(place)
            self._secret = FullRows(place)
            self.fed, self.arguments = self._secret.fed, self._secret.arguments

        def settle(self, observation, fed):
            return super().settle(observation, range(fed.stop))

    monkeypatch.setattr(Recomputed, "rows", lambda _, place: Sly(place))
    with pytest.raises(ObservationError, match="Rows were projected"):
        trace_generation(model, PROMPT, max_new_tokens=3, use_cache=False)


def test_passes_outside_a_run_are_not_counted(model):
    observation = StepObservation()
    ids = torch.tensor([[1, 2, 3]])
    model.module(ids, use_cache=False)
    assert observation.projected == observation.attended == []
    with observation.watching():
        model.module(ids, use_cache=False)
    assert observation.projected == [(0, 3), (1, 3), (2, 3)]
    assert observation.attended == [], "attention hears of it by its keyword alone"
    model.module(ids, use_cache=False)
    assert len(observation.projected) == 3, "heard of a pass after the watch had ended"
