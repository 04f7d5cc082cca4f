from types import SimpleNamespace

import pytest
import torch

from training.film import N_POINTS, points_due, predictions
from training.tokenizer import train_tokenizer


def test_the_film_has_its_points_from_the_untrained_to_the_finished_model():
    shares = [i / 10_000 for i in range(10_001)]
    reached = [points_due(share) for share in shares]
    assert reached[0] == 1
    assert reached[-1] == N_POINTS == 24
    assert reached[-2] == N_POINTS - 1
    assert set(range(2, N_POINTS + 1)) <= set(reached)


def test_half_the_points_come_in_the_first_thirtieth():
    assert points_due(0.001) == 2
    assert points_due(0.0317) == N_POINTS // 2 + 1


class Echo:
    """Answers every place with the token it is shown there; remembers the first one of all."""

    first = None

    device = torch.device("cpu")

    def __call__(self, input_ids, decoder_input_ids=None):
        self.first = int(input_ids[0, 0])
        shown = input_ids if decoder_input_ids is None else decoder_input_ids
        return SimpleNamespace(logits=torch.nn.functional.one_hot(shown, 400).float() * 50)


@pytest.mark.parametrize(
    ("family", "asked", "echo"),
    [
        ("gpt2", "The king and the", "the"),
        ("llama", "The king and the", "the"),
        ("bert", "The king and the [MASK] lived in a castle.", "[MASK]"),
        ("t5", "The king and the <extra_id_0> lived in a castle.", "<extra_id_0>"),
    ],
)
def test_each_family_is_asked_at_its_gap(stories, family, asked, echo):
    model, tokenizer = Echo(), train_tokenizer([*stories, "and the"] * 3, 400)
    told = predictions(model, family, tokenizer)
    assert told[2]["prompt"] == asked
    assert told[2]["top"][0]["token"].strip() == echo
    assert told[2]["top"][0]["p"] > 0.99
    first = tokenizer.id_to_token(model.first)
    assert (first == "<|endoftext|>", first == "[CLS]") == (family == "llama", family == "bert")
