import dataclasses

import pytest
import torch

from training.checkpoint import Checkpoint, Progress, load_checkpoint, save_checkpoint
from training.errors import CheckpointError


@pytest.fixture
def checkpoint(tiny_recipe):
    return Checkpoint(
        model={"w": torch.arange(6.0).reshape(2, 3)},
        optimiser={"muon": {}, "adamw": {}},
        progress=Progress(step=3, tokens=12288, seconds=1.5, started=100.0, film_points=2),
        shape=tiny_recipe.shape,
        run={"recipe": "gpt2-mini", "seed": 0},
    )


def test_a_checkpoint_comes_back_as_it_was(tmp_path, checkpoint):
    save_checkpoint(tmp_path / "c.pt", checkpoint)
    loaded = load_checkpoint(tmp_path / "c.pt", checkpoint.shape)
    assert torch.equal(loaded.model["w"], checkpoint.model["w"])
    assert (loaded.progress, loaded.shape, loaded.run) == (
        checkpoint.progress,
        checkpoint.shape,
        checkpoint.run,
    )


def test_another_shape_is_refused_with_the_sizes_that_differ(tmp_path, checkpoint):
    save_checkpoint(tmp_path / "c.pt", checkpoint)
    wider = dataclasses.replace(checkpoint.shape, d_model=32, n_layers=2)
    with pytest.raises(CheckpointError, match="n_layers 1 instead of 2, d_model 16 instead of 32"):
        load_checkpoint(tmp_path / "c.pt", wider)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"no checkpoint.*without --resume"):
        load_checkpoint(tmp_path / "c.pt")


def test_half_a_checkpoint_is_refused(tmp_path, checkpoint):
    path = tmp_path / "c.pt"
    save_checkpoint(path, checkpoint)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(CheckpointError, match=r"cannot be read.*c\.pt"):
        load_checkpoint(path)


def test_another_format_is_refused(tmp_path, checkpoint, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("training.checkpoint.FORMAT", 99)
        save_checkpoint(tmp_path / "c.pt", checkpoint)
    with pytest.raises(CheckpointError, match="Format 99"):
        load_checkpoint(tmp_path / "c.pt")
