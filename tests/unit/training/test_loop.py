import dataclasses
import json
import os
import signal

import pytest
import torch

from tests.unit.training.conftest import TOKENS_A_STEP, corpus_in, make_small
from training.budget import token_budget
from training.checkpoint import load_checkpoint
from training.errors import CheckpointError
from training.loop import Run, RunOptions
from training.packing import load_packed

N_STEPS = 4
BUDGET = token_budget(N_STEPS * TOKENS_A_STEP)


@pytest.fixture(scope="module")
def packed(small_corpus, tmp_path_factory):
    """Return a small corpus in tokens, and the folder of its texts."""
    folder = tmp_path_factory.mktemp("packed")
    corpus_folder = corpus_in(folder / "corpus", small_corpus)
    return load_packed(corpus_folder, folder / "work", seed=0), corpus_folder


@pytest.fixture(scope="module")
def trained(tiny_recipe, packed, tmp_path_factory):
    """Return the folder of a run that was trained from its beginning to its end."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        make_small(patch)
        options = RunOptions(folder / "run", torch.device("cpu"), compile=False, resume=False)
        assert Run(tiny_recipe, *packed, 0, options).train(BUDGET)
    return folder / "run"


@pytest.fixture
def start(tiny_recipe, packed, tmp_path, monkeypatch):
    make_small(monkeypatch)

    def start_run(name, *, resume=False, seed=0, recipe=tiny_recipe, bfloat16=True):
        options = RunOptions(
            tmp_path / name,
            torch.device("cpu"),
            compile=False,
            resume=resume,
            bfloat16=bfloat16,
        )
        return Run(recipe, *packed, seed, options)

    return start_run


class Interrupted:
    """A budget that sends a stop signal when a number of tokens is reached."""

    text = BUDGET.text

    def __init__(self, tokens):
        self._tokens = tokens

    def progress(self, tokens, seconds, started):
        if tokens == self._tokens:
            os.kill(os.getpid(), signal.SIGTERM)
        return BUDGET.progress(tokens, seconds, started)


def _lines(path, drop=("seconds", "tokens_per_second")):
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return [{k: v for k, v in record.items() if k not in drop} for record in records]


def test_a_run_stopped_and_resumed_ends_like_one_that_was_not(trained, start, tmp_path):
    assert not start("halves").train(Interrupted(2 * TOKENS_A_STEP))
    assert load_checkpoint(tmp_path / "halves/checkpoint.pt").progress.step == 2
    assert start("halves", resume=True).train(BUDGET)
    whole, halves = (
        load_checkpoint(run / "checkpoint.pt") for run in (trained, tmp_path / "halves")
    )
    assert halves.progress.step == whole.progress.step == N_STEPS
    assert all(torch.equal(whole.model[name], halves.model[name]) for name in whole.model)
    for name in ("log.jsonl", "film.jsonl"):
        assert _lines(tmp_path / "halves" / name) == _lines(trained / name)


@pytest.mark.parametrize("family", ["llama", "bert", "t5"])
def test_the_other_families_learn_in_the_same_loop(start, tmp_path, tiny_recipe, family):
    shape = dataclasses.replace(tiny_recipe.shape, family=family)
    start("run", recipe=dataclasses.replace(tiny_recipe, shape=shape)).train(BUDGET)
    log, film = (_lines(tmp_path / "run" / name) for name in ("log.jsonl", "film.jsonl"))
    assert log[-1]["loss"] < log[0]["loss"]
    assert film[-1]["heldout_nats_per_token"] < film[0]["heldout_nats_per_token"]
    asked = {"llama": "", "bert": " [MASK],", "t5": " <extra_id_0>,"}[family]
    assert film[-1]["predictions"][0]["prompt"].startswith(f"Once upon a{asked}")


def test_training_lowers_the_loss_and_changes_the_row_length(trained):
    log = _lines(trained / "log.jsonl")
    assert [entry["n_ctx"] for entry in log] == [64, 64, 128, 128]
    assert log[-1]["loss"] < log[0]["loss"] - 0.05


def test_the_film_begins_before_and_ends_after_training(trained):
    film = _lines(trained / "film.jsonl")
    assert film[0]["step"] == 0
    assert film[-1]["step"] == N_STEPS
    assert film[-1]["heldout_nats_per_token"] < film[0]["heldout_nats_per_token"]
    top = film[-1]["predictions"][0]["top"]
    assert [entry["p"] for entry in top] == sorted((e["p"] for e in top), reverse=True)


def test_steps_after_the_checkpoint_are_forgotten_on_resume(start, tmp_path):
    start("run").train(Interrupted(2 * TOKENS_A_STEP))
    log = tmp_path / "run/log.jsonl"
    with log.open("a") as file:
        file.write('{"step": 3, "loss": 0.0}\n')
    start("run", resume=True)
    assert [entry["step"] for entry in _lines(log)] == [1, 2]


def test_a_run_does_not_overwrite_another(start):
    start("run").train(Interrupted(TOKENS_A_STEP))
    with pytest.raises(CheckpointError, match=r"already.*--resume"):
        start("run")


def test_a_run_that_moved_tells_so(start, tmp_path):
    start("run").train(Interrupted(TOKENS_A_STEP))
    for threads in (2, 2, 1):
        torch.set_num_threads(threads)
        start("run", resume=True).train(Interrupted(TOKENS_A_STEP))
    assert load_checkpoint(tmp_path / "run/checkpoint.pt").run["threads"] == "1, then 2, then 1"


def test_a_run_in_float32_tells_so_and_may_go_on_in_bfloat16(start, tmp_path):
    seen = []
    for bfloat16 in (False, False, True):
        start("run", resume=bool(seen), bfloat16=bfloat16).train(
            Interrupted((1 + len(seen)) * TOKENS_A_STEP)
        )
        seen.append(load_checkpoint(tmp_path / "run/checkpoint.pt").run["precision"])
    assert seen == ["float32", "float32", "float32, then bf16 autocast"]
    assert [entry["step"] for entry in _lines(tmp_path / "run/log.jsonl")] == [1, 2, 3]


def test_a_run_pauses_at_a_step_and_goes_on_with_another_budget_and_tells_so(start, tmp_path):
    run = start("run")
    assert not run.train(BUDGET, pause_at=1)
    assert run.progress.step == 1
    run = start("run", resume=True)
    assert run.train(token_budget(3 * TOKENS_A_STEP))
    assert run.progress.step == 3
    told = load_checkpoint(tmp_path / "run/checkpoint.pt").run["budget"]
    assert told == "4,096 tokens, then 3,072 tokens"


def test_another_seed_cannot_resume(start):
    start("run").train(Interrupted(TOKENS_A_STEP))
    with pytest.raises(CheckpointError, match=r"another seed.*It has 0, this run 1"):
        start("run", resume=True, seed=1)
