import numpy as np
import pytest
import torch

from training.evaluation.heldout import HeldoutText, model_nats, nats_by_position
from training.models import build_model
from training.tokenizer import train_tokenizer


def test_separators_are_fed_but_not_scored(stories):
    tokenizer = train_tokenizer(stories, 400)
    text = HeldoutText.of(tuple(stories[:3]), tokenizer)
    assert (text.tokens == text.end).sum() == 4
    assert text.n_scored == len(text.tokens) - 4
    assert text.n_characters == sum(map(len, stories[:3]))
    nats = np.where(text.tokens[1:] == text.end, 1e9, np.log(2))
    assert text.bits_per_character(nats) == pytest.approx(text.n_scored / text.n_characters)


def test_windows_score_every_token_once_from_its_own_window(tiny_recipe):
    torch.manual_seed(0)
    model = build_model(tiny_recipe.shape).eval()
    tokens = np.random.default_rng(0).integers(0, 4096, 1 + 16 * 2 + 5)
    nats = model_nats(model, tokens, 16)
    assert len(nats) == 37
    for i in (0, 15, 16, 36):
        start = i - i % 16
        with torch.no_grad():
            logits = model(torch.from_numpy(tokens[None, start : i + 1])).logits[0, -1]
        expected = -float(logits.log_softmax(-1)[tokens[i + 1]])
        assert nats[i] == pytest.approx(expected, abs=1e-4)  # float32, other batch shape


@pytest.mark.parametrize("n", [9, 16, 37, 40])
def test_overlapping_windows_score_every_token_once_with_at_least_half_a_window_before_it(
    tiny_recipe, n
):
    torch.manual_seed(0)
    model = build_model(tiny_recipe.shape).eval()
    tokens = np.random.default_rng(0).integers(0, 4096, 1 + n)
    nats = model_nats(model, tokens, 16, stride=8)
    for i in range(n):
        start = 0 if i < 16 else 8 * ((i - 8) // 8)
        with torch.no_grad():
            logits = model(torch.from_numpy(tokens[None, start : i + 1])).logits[0, -1]
        expected = -float(logits.log_softmax(-1)[tokens[i + 1]])
        assert nats[i] == pytest.approx(expected, abs=1e-4)  # float32, other batch shape


def test_a_start_token_takes_the_place_of_the_first_of_each_window(tiny_recipe):
    torch.manual_seed(0)
    model = build_model(tiny_recipe.shape).eval()
    tokens = np.random.default_rng(0).integers(1, 4096, 1 + 37)
    nats = model_nats(model, tokens, 16, stride=8, start=0)
    for i in (0, 9, 15, 16, 30, 36):
        begin = 0 if i < 16 else 8 * ((i - 8) // 8)
        fed = torch.tensor([[0, *tokens[begin + 1 : i + 1]]])
        with torch.no_grad():
            logits = model(fed).logits[0, -1]
        expected = -float(logits.log_softmax(-1)[tokens[i + 1]])
        assert nats[i] == pytest.approx(expected, abs=1e-4)  # float32, other batch shape


def test_losses_are_averaged_by_place_in_the_window():
    nats = np.tile(np.arange(1024.0), 2)
    assert nats_by_position(nats, 1024) == {
        "0-63": 31.5,
        "64-255": 159.5,
        "256-511": 383.5,
        "512-1023": 767.5,
    }
    assert list(nats_by_position(np.zeros(512), 256)) == ["0-63", "64-255"]
