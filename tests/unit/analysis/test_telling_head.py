import numpy as np
import pytest

from kvviz.analysis import attention_entropy, telling_head
from kvviz.analysis.telling_head import MOST_ROWS
from tests.factories import make_trace


class Patterned:
    """A run with these patterns, by layer and head, which are no bare products of its rows."""

    position_bias = "some"

    def __init__(self, patterns):
        self.patterns = np.asarray(patterns)
        self.n_rows = self.patterns.shape[-1]
        n_layers, n_heads = self.patterns.shape[:2]
        self.model = type("Card", (), {"n_layers": n_layers, "n_heads": n_heads})

    def pattern(self, layer, head):
        return self.patterns[layer, head]


DIAGONAL = np.eye(4)
EVEN = np.tril(np.ones((4, 4))) / np.arange(1, 5)[:, None]
BETWEEN = (DIAGONAL + EVEN) / 2


def test_neither_a_bare_line_nor_an_even_ground_is_chosen():
    run = Patterned([[DIAGONAL, EVEN], [BETWEEN, DIAGONAL]])
    assert telling_head(run) == (1, 0)
    assert telling_head(run, layer=0) in {(0, 0), (0, 1)}


def test_the_choice_is_the_head_nearest_to_half_of_its_entropy():
    run = make_trace(n_prompt=9, n_new=4, n_layers=3, n_heads=4)
    most = np.log2(np.arange(2, run.n_rows + 1))
    shares = {
        (layer, head): (attention_entropy(run.pattern(layer, head))[1:] / most).mean()
        for layer in range(3)
        for head in range(4)
    }
    assert telling_head(run) == min(shares, key=lambda place: abs(shares[place] - 0.5))


@pytest.mark.parametrize("n_rows", [1, MOST_ROWS + 1])
def test_a_run_of_one_row_or_of_very_many_has_none(n_rows):
    assert telling_head(make_trace(n_prompt=n_rows, n_new=1)) is None
