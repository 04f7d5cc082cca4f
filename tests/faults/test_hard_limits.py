"""A file that goes, memory that runs out: what a process goes through that then goes on."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kvviz.errors import PayloadError, TraceFileError
from kvviz.player import export_html
from tests.factories import make_trace
from tests.parity.tiny_models import TinyModel

ROOT = Path(__file__).parents[2]
FULL = Path("/dev/full")
is_linux = pytest.mark.skipif(not FULL.exists(), reason="only Linux has a disk that is always full")


@is_linux
def test_weights_that_are_cut_and_memory_that_runs_out(tmp_path):
    folder = TinyModel("tiny").save(tmp_path / "tiny")
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.hard_limits", str(folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["held"]), done.stderr[-3000:]


@is_linux
def test_a_full_disk_is_said_and_nothing_takes_its_place():
    with pytest.raises(TraceFileError, match=r"could not be saved to /dev/full.*No space left"):
        make_trace().save(FULL)
    with pytest.raises(PayloadError, match=r"could not be written to /dev/full.*No space left"):
        export_html(make_trace(), FULL)
    assert FULL.is_char_device()


def test_a_disk_that_fills_half_way_leaves_what_was_there(tmp_path, monkeypatch):
    path, page = tmp_path / "run.npz", tmp_path / "run.html"
    make_trace().save(path), export_html(make_trace(), page)
    before = path.read_bytes(), page.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zipfile.ZipFile.open", full)
    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(TraceFileError, match="No space left"):
        make_trace(seed=1).save(path)
    with pytest.raises(PayloadError, match="No space left"):
        export_html(make_trace(seed=1), page)
    assert (path.read_bytes(), page.read_bytes()) == before
    assert {one.name for one in tmp_path.iterdir()} == {"run.npz", "run.html"}
    shutil.rmtree(tmp_path)
