import errno
import os

import pytest

from training.errors import CheckpointError
from training.files import write_whole


def _fail_with(number):
    def fail(_descriptor):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, r"no room on the disk to save run\.pt.*Free some space"),
        (errno.EIO, r"run\.pt cannot be saved.*Input/output error"),
    ],
)
def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, number, words):
    path = tmp_path / "run.pt"
    write_whole(path, b"old")
    monkeypatch.setattr("training.files.os.fsync", _fail_with(number))
    with pytest.raises(CheckpointError, match=words):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


def test_a_write_replaces_the_file_and_makes_the_folder(tmp_path):
    path = tmp_path / "a" / "b" / "run.pt"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["run.pt"]
