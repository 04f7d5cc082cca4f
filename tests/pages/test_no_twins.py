"""What the page on two models does where they share neither depth nor tokenizer, in its parts."""

from types import SimpleNamespace

import numpy as np

from kvviz.ui.pages.bert_vs_gpt2.blank import _same_token
from kvviz.ui.pages.bert_vs_gpt2.context import distance, furthest
from kvviz.ui.pages.bert_vs_gpt2.rows import last_layer
from kvviz.ui.pages.bert_vs_gpt2.writing import judge_of, lowest


class Reader:
    """A model that cuts a text wherever its longest token ends."""

    def __init__(self, *tokens):
        self.tokens = tokens
        self.card = SimpleNamespace(d_vocab=len(tokens))

    def token_text(self, token_id):
        return self.tokens[token_id]

    def tokenize(self, text):
        ids = []
        while text:
            fits = [token for token in self.tokens if text.startswith(token)]
            ids.append(self.tokens.index(max(fits, key=len)))
            text = text[len(self.tokens[ids[-1]]) :]
        return ids


def test_the_last_layer_is_named_for_each_model_where_they_differ():
    assert last_layer(6, 6) == "layer 5"
    assert last_layer(2, 3) == "the last layer (1 in the one, 2 in the other)"


def test_a_judge_that_read_nothing_puts_no_text_first():
    nothing = float("nan")
    assert lowest([nothing, -2.0, -1.0], -1) == 2
    assert lowest([nothing, nothing, 3.0], 1) == 2
    assert lowest([nothing] * 3, 1) is lowest([1.0, 1.0, 2.0], 1) is None


def test_a_word_is_tried_with_the_space_that_the_other_tokenizer_keeps_in_it():
    pieces = Reader("[CLS]", "mat", ".", "##s", "sofa")
    bytewise = Reader("m", " mat", " ", "mat", ".", " .", "#", "s", "o", "f", "a")
    assert _same_token(pieces, bytewise, 1, " ") == 1
    assert _same_token(pieces, bytewise, 1, "") == 3
    assert _same_token(pieces, bytewise, 2, " ") == 4
    assert _same_token(pieces, bytewise, 3, " ") is None
    assert _same_token(pieces, bytewise, 4, "") is None
    twin = Reader("[CLS]", " mat", ".")
    assert _same_token(twin, twin, 1, " ") == 1


def test_a_judge_reads_the_whole_in_its_own_tokens(monkeypatch):
    """The text after the blank may change how its beginning is cut."""
    asked = []

    def score(judge, ids, *, positions, **_):
        asked.append((ids, list(positions)))
        return SimpleNamespace(mean=-1.0)

    monkeypatch.setattr("kvviz.engine.log_likelihood", score)
    judge = Reader("the ", "m", "a", "mats", " by")
    judge.card.family = "gpt2"
    writer = SimpleNamespace(token_text=lambda _: "ts by", text_of=lambda ids, goes_on: "ts by")
    assert judge_of(judge, writer, "the ma", [0], {}) == -1.0
    assert asked == [([0, 3, 4], [1, 2])]


def test_a_small_distance_is_not_called_none():
    assert [distance(value) for value in (0.0, 1e-9, 0.001, 0.25)] == [
        "0.000", "less than 0.001", "0.001", "0.250"
    ]  # fmt: skip
    assert furthest(np.array([0.0, 1e-9])) == "up to less than 0.001"
    assert furthest(np.zeros(2)) == "0"
