from dataclasses import FrozenInstanceError, replace

import pytest

from kvviz.errors import TraceError
from kvviz.trace import ModelCard
from tests.factories import make_card

CARD = make_card()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n_layers": 0}, "positive"),
        ({"d_head": 4.0}, "positive"),
        ({"n_ctx": True}, "positive"),
        ({"name": 3}, "text"),
        ({"revision": None}, "text"),
        ({"family": "Llama 3"}, "family"),
        ({"family": ""}, "family"),
        ({"family": "bert", "n_encoder_layers": 2}, "encoder"),
        ({"dtype": "int8"}, "dtype"),
        ({"n_heads": 3, "n_kv_heads": 2}, "same number"),
        ({"windows": (4,)}, "windows"),
        ({"windows": (4, -1)}, "windows"),
        ({"windows": (0, 0)}, "windows"),
        ({"windows": [4, 4]}, "windows"),
        ({"windows": (4, 4.0)}, "windows"),
        ({"windows": (4, 4), "family": "bert"}, "windows"),
        ({"model_type": None}, "text"),
    ],
)
def test_a_card_that_cannot_be_is_refused(change, words):
    with pytest.raises(TraceError, match=words):
        replace(CARD, **change)


@pytest.mark.parametrize(
    ("dtype", "n_bytes"), [("float64", 8), ("float32", 4), ("bfloat16", 2), ("float16", 2)]
)
def test_bytes_a_token_are_two_times_layers_heads_and_width(dtype, n_bytes):
    assert make_card(12, 12, 64, dtype=dtype).cache_bytes_per_token == 18_432 * n_bytes


def test_gpt2_small_takes_73728_bytes_a_token():
    assert make_card(12, 12, 64).cache_bytes_per_token == 73_728


def test_only_key_and_value_heads_are_counted():
    assert make_card(1, 4, 8, n_kv_heads=2).cache_bytes_per_token == 2 * 2 * 8 * 4


def test_a_card_comes_back_from_json():
    assert ModelCard.from_json(CARD.to_json()) == CARD


@pytest.mark.parametrize(
    "data", [None, [], {}, CARD.to_json() | {"extra": 1}, dict(list(CARD.to_json().items())[1:])]
)
def test_a_card_of_other_fields_is_refused(data):
    with pytest.raises(TraceError, match="fields"):
        ModelCard.from_json(data)


def test_a_card_is_frozen():
    with pytest.raises(FrozenInstanceError):
        CARD.n_layers = 3


def test_only_a_t5_has_an_encoder():
    assert make_card(family="t5").n_encoder_layers == 2
    with pytest.raises(TraceError, match=r"A gpt2 says 1 encoder layer\."):
        replace(make_card(), n_encoder_layers=1)
    with pytest.raises(TraceError, match="A t5 says 0 encoder layers"):
        replace(make_card(family="t5"), n_encoder_layers=0)


def test_a_card_of_a_gpt2_says_nothing_of_other_families():
    assert not {"n_encoder_layers", "mlp_is_gated", "has_head"} & set(make_card().to_json())
    card = replace(make_card(family="t5"), mlp_is_gated=True, has_head=False)
    assert ModelCard.from_json(card.to_json()) == card


@pytest.mark.parametrize("name", ["mlp_is_gated", "has_head"])
def test_yes_or_no_must_be_said(name):
    with pytest.raises(TraceError, match=f"{name} is 1"):
        replace(make_card(), **{name: 1})


def test_what_a_card_says_of_windows_and_type_is_written_down_only_where_there_is_something():
    assert not {"windows", "model_type"} & set(CARD.to_json())
    card = replace(CARD, family="llama", model_type="qwen3", windows=(0, 4))
    assert card.to_json()["windows"] == [0, 4]
    assert ModelCard.from_json(card.to_json()) == card
    assert [card.window(layer) for layer in (0, 1)] == [None, 4]
    assert [card.fits_in_windows(n) for n in (4, 5)] == [True, False]
