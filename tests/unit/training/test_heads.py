from types import SimpleNamespace

import numpy as np
import pytest
import torch

from training.evaluation.heads import N_REPEATED, head_scores


class FourHeads:
    """One layer whose heads do exactly one thing each: previous, first, induction, and even."""

    config = SimpleNamespace(vocab_size=400)

    def __call__(self, rows, output_attentions):
        n = rows.shape[1]
        query = torch.arange(n)
        keys = [(query - 1).clip(0), query * 0, (query - N_REPEATED + 1).clip(0)]
        heads = [torch.nn.functional.one_hot(key, n).float() for key in keys]
        heads.append(torch.tril(torch.ones(n, n)) / (query + 1)[:, None])
        pattern = torch.stack(heads).expand(len(rows), -1, -1, -1)
        return SimpleNamespace(attentions=(pattern,))


class Remembering(FourHeads):
    """Remembers what it is shown; its induction head looks back from the second time on alone."""

    def __init__(self):
        self.shown = []

    def __call__(self, rows, output_attentions):
        self.shown.append(rows)
        (pattern,) = super().__call__(rows, output_attentions).attentions
        pattern = pattern.clone()
        pattern[:, 2, :-N_REPEATED] = 0
        return SimpleNamespace(attentions=(pattern,))


def test_a_start_token_stands_before_random_words_and_changes_no_score_of_what_follows():
    model = Remembering()
    scores = head_scores(model, np.ones(16 * 128, dtype=np.int64), start=7)
    text, said_twice = model.shown
    assert text[:, 0].tolist() == [7] * 16
    assert (text[:, 1:] == 1).all()
    assert said_twice.shape == (16, 129)
    assert said_twice[:, 0].tolist() == [7] * 16
    assert torch.equal(said_twice[:, 1:65], said_twice[:, 65:])
    assert scores["induction"][0, 2] == pytest.approx(1.0)


def test_each_role_scores_one_and_an_even_head_little():
    scores = head_scores(FourHeads(), np.zeros(16 * 128, dtype=np.int64))
    assert scores["previous_token"].shape == (1, 4)
    assert scores["previous_token"][0, 0] == pytest.approx(1.0)
    assert scores["first_token"][0, 1] == pytest.approx(1.0)
    assert scores["induction"][0, 2] == pytest.approx(1.0)
    even = np.mean([1 / (i + 1) for i in range(2, 128)])
    assert scores["first_token"][0, 3] == pytest.approx(even, abs=1e-6)  # float32 mean
    assert scores["induction"][0, :2].max() == 0
