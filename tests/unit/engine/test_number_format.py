"""The number format of an added model: chosen by two times, whatever machine this is."""

from __future__ import annotations

import itertools
import json
import logging
import shutil

import pytest
import torch

from kvviz.engine import load_model
from kvviz.engine.models import loading, number_format
from kvviz.engine.models.number_format import FormatTrial, format_trial, has_units, trial_of_added
from kvviz.published import model_home

CPU = torch.device("cpu")
MS = 1e-3


class Clock:
    """A clock on which products take what they are said to, in float32 and bfloat16 in turn."""

    def __init__(self, *seconds):
        self.passes = itertools.chain.from_iterable((0.0, one) for one in itertools.cycle(seconds))

    def __call__(self):
        return next(self.passes)


@pytest.mark.parametrize(
    ("units", "narrow_s", "dtype", "words"),
    [
        (True, 0.5 * MS, "bfloat16", "Runs in bfloat16, by measurement"),
        (True, 0.95 * MS, "float32", "Runs in float32, by measurement"),
        (False, 0.5 * MS, "float32", "has no units for bfloat16"),
    ],
)
def test_bfloat16_is_taken_where_there_are_units_and_it_is_clearly_faster(
    units, narrow_s, dtype, words, monkeypatch
):
    monkeypatch.setattr(number_format, "has_units", lambda device: units)
    trial = format_trial(CPU, 8, 12, Clock(1 * MS, narrow_s))
    assert trial == (pytest.approx(1 * MS), pytest.approx(narrow_s), units)
    assert trial.dtype == dtype
    assert words in trial.told
    assert "1.00 ms in float32" in trial.told
    assert f"{narrow_s * 1e3:.2f} ms in bfloat16" in trial.told


def test_a_device_that_cannot_compute_with_it_takes_float32(monkeypatch):
    real = torch.nn.functional.linear

    def refuse(row, weight):
        if row.dtype == torch.bfloat16:
            raise RuntimeError("not implemented")
        return real(row, weight)

    monkeypatch.setattr(torch.nn.functional, "linear", refuse)
    trial = format_trial(CPU, 8, 20, Clock(2 * MS))
    assert (trial.dtype, trial.bfloat16_s) == ("float32", float("inf"))
    assert "cannot compute with bfloat16" in trial.told
    assert "2.00 ms" in trial.told


def test_a_process_tries_once_and_asks_torch_for_the_units(monkeypatch):
    assert format_trial(CPU, 16, 20) is format_trial(CPU, 16, 20)
    for known, there in (({"avx512_bf16": True}, True), ({"avx512_f": True}, False)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda known=known: known)
        assert has_units(CPU) is there


@pytest.fixture
def added(tmp_path, monkeypatch, decoder_folder):
    """A tiny Llama, as if it had been added."""
    monkeypatch.setenv("KVVIZ_HOME", str(tmp_path))
    model_home.models().mkdir(parents=True)
    shutil.copytree(decoder_folder, model_home.models() / "tiny")
    return "kvviz/tiny"


@pytest.mark.parametrize(
    ("trial", "dtype"),
    [
        (FormatTrial(2 * MS, 1 * MS, True), "bfloat16"),
        (FormatTrial(1 * MS, 2 * MS, True), "float32"),
    ],
)
def test_an_added_model_is_loaded_in_what_was_faster_and_the_log_says_so(
    trial, dtype, added, monkeypatch, caplog
):
    monkeypatch.setattr(loading, "format_trial", lambda *asked: trial)
    with caplog.at_level(logging.INFO, loading.__name__):
        model = load_model(added, device="cpu", dtype="auto")
    assert (model.card.dtype, model.format_trial) == (dtype, trial)
    assert f"{added}: {trial.told}" in caplog.text
    # A copy in a format that was asked for was chosen by nobody.
    assert model.as_dtype("float64").format_trial is None
    plain = load_model(added, device="cpu")
    assert (plain.card.dtype, plain.format_trial) == ("float32", None)


def test_others_are_loaded_in_float32_and_nothing_is_tried(decoder_folder, monkeypatch):
    monkeypatch.delattr(loading, "format_trial")
    for name in (decoder_folder, "kvviz/gpt2-mini"):
        model = load_model(name, device="cpu", dtype="auto")
        assert (model.card.dtype, model.format_trial) == ("float32", None)


def test_a_config_without_sizes_is_tried_all_the_same(added):
    folder = model_home.at_hand()[added]
    config = json.loads((folder / "config.json").read_text())
    del config["hidden_size"]
    (folder / "config.json").write_text(json.dumps(config))
    assert trial_of_added(folder, CPU).float32_s > 0
