"""The loss of a text: which windows score it, what its units are of, and what is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from kvviz.__main__ import main
from kvviz.engine import log_likelihood, text_loss
from kvviz.engine.asking.text_loss import Window, windows
from kvviz.errors import ModelFamilyError, OptionsError, PromptError
from tests.parity.plain_loss import plain_losses
from tests.parity.tiny_models import PROMPT

LONG = f"{PROMPT}, {PROMPT}. {PROMPT}; {PROMPT}"


def test_each_token_is_scored_once_with_what_the_stride_leaves_before_it():
    assert list(windows(10, 4, 2, 1)) == [
        Window(0, 4, 1),
        Window(2, 6, 4),
        Window(4, 8, 6),
        Window(6, 10, 8),
    ]
    assert list(windows(5, 4, 4, 0)) == [Window(0, 4, 0), Window(4, 5, 4)]
    for n, length, stride, first in ((31, 8, 3, 1), (31, 8, 8, 0), (8, 8, 1, 1), (9, 8, 1, 1)):
        scored = [
            (place, place - one.begin)
            for one in windows(n, length, stride, first)
            for place in range(one.scored, one.end)
        ]
        assert [place for place, _before in scored] == list(range(first, n))
        assert all(before >= length - stride for place, before in scored if place >= length)


def test_a_text_longer_than_the_model_has_units_of_its_own(model):
    ids = model.tokenize(LONG)
    assert len(ids) > model.card.n_ctx
    found = text_loss(model, LONG, context=20, stride=7)
    expected = plain_losses(model.module, [], ids, 20, 7).numpy()
    # The same kernels in another order of windows: last digits of float32.
    assert np.abs(found.losses - expected).max() < 1e-5
    assert found.loss_nats == pytest.approx(expected.mean(), abs=1e-6)
    assert found.perplexity == pytest.approx(math.exp(expected.mean()), rel=1e-6)
    given = len(model.token_text(ids[0]))
    assert (found.n_characters, found.n_bytes) == (len(LONG) - given,) * 2
    bits = expected.sum() / math.log(2)
    assert found.bits_per_character == pytest.approx(bits / found.n_characters, rel=1e-6)


def test_a_letter_of_several_bytes_counts_as_one_character(model):
    found = text_loss(model, "The cafés of Zürich 😀")
    assert found.n_bytes - found.n_characters == 2 + 3
    assert found.bits_per_byte < found.bits_per_character


def test_tokens_before_every_text_stand_before_every_window_and_score_its_first(model):
    begun = replace(model, first_ids=(0, 5))
    ids = model.tokenize(LONG)
    found = text_loss(begun, LONG, context=20, stride=9)
    assert found.positions.tolist() == list(range(len(ids)))
    expected = plain_losses(model.module, [0, 5], ids, 20, 9).numpy()
    assert np.abs(found.losses - expected).max() < 1e-5
    assert found.n_characters == len(LONG)


def test_progress_and_the_usual_window(model):
    told = []
    found = text_loss(model, LONG, progress=lambda *done: told.append(done))
    assert (found.context, found.stride) == (model.card.n_ctx, model.card.n_ctx // 2)
    assert told[-1] == (found.n_tokens,) * 2
    assert len(told) == found.n_windows
    short = text_loss(model, PROMPT)
    assert short.loss_nats == -log_likelihood(model, model.tokenize(PROMPT)).mean


def test_what_has_no_such_loss_says_why(bert, t5, model):
    with pytest.raises(ModelFamilyError, match="A BERT guesses hidden tokens from both sides"):
        text_loss(bert, PROMPT)
    with pytest.raises(ModelFamilyError, match="a text by itself has no loss"):
        text_loss(t5, PROMPT)
    for text in ("", "a"):
        with pytest.raises(PromptError, match="no token in this text that could be scored"):
            text_loss(model, text)
    for wrong in ({"context": 1}, {"context": 9999}, {"stride": 0}, {"context": 9, "stride": 9}):
        with pytest.raises(OptionsError):
            text_loss(model, PROMPT, **wrong)


def test_the_command_prints_what_it_measured_and_by_which_rule(
    tiny_folder, tmp_path, capsys, model
):
    path = tmp_path / "story.txt"
    path.write_text(LONG)
    asked = ["loss", "--model", str(tiny_folder), "--text", str(path), "--context", "20"]
    assert main([*asked, "--json", "--device", "cpu"]) == 0
    said = json.loads(capsys.readouterr().out)
    found = text_loss(model, LONG, context=20)
    assert said["loss_nats"] == found.loss_nats
    assert (said["context"], said["stride"], said["n_windows"]) == (20, 10, found.n_windows)
    for name in ("n_characters", "n_bytes", "perplexity", "bits_per_character", "bits_per_byte"):
        assert said[name] == getattr(found, name)
    assert "each 10 tokens further" in said["rule"]
    assert "at least 10 before it" in said["rule"]
    assert main(asked) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == said["rule"]
    assert f"{found.loss_nats:.4f} nats a token" in lines[2]
    for more, words in ((["--stride", "0"], "Found 0"), (["--text", "/nowhere/t"], "/nowhere/t")):
        assert main([*asked, *more]) == 2
        assert words in capsys.readouterr().err
