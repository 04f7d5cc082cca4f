"""Names of models: the hub is asked last, and each of its answers has its own error."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from kvviz.engine import load_model
from kvviz.engine.models import model_source
from kvviz.engine.models.model_source import locate
from kvviz.errors import ModelFamilyError, ModelFilesError, ModelNotFoundError, NetworkError


class Hub:
    """Stands in for `snapshot_download`: a local cache, a remote folder or error, and a log."""

    def __init__(self, local: Path | None = None, remote: Path | Exception | None = None) -> None:
        self.local, self.remote = local, remote
        self.fetched: list[list[str]] = []

    def __call__(self, name, *, allow_patterns, local_files_only=False):
        if local_files_only:
            if self.local is None:
                raise LocalEntryNotFoundError("not in the cache")
            return str(self.local)
        if isinstance(self.remote, Exception):
            raise self.remote
        self.fetched.append(allow_patterns)
        return str(self.remote)


@pytest.fixture
def hub(monkeypatch):
    def install(**parts):
        stand_in = Hub(**parts)
        monkeypatch.setattr(model_source, "snapshot_download", stand_in)
        return stand_in

    return install


def answer(kind, status):
    """Return an error of the hub client, which keeps the response it came from."""
    return kind("refused", response=SimpleNamespace(status_code=status, headers={}, request=None))


def test_model_in_the_local_cache_is_not_fetched(hub, tiny_folder):
    stand_in = hub(local=tiny_folder, remote=RuntimeError("the hub was asked"))
    card = load_model("someone/tiny", device="cpu").card
    assert (card.name, card.source) == ("someone/tiny", "hub")
    assert stand_in.fetched == []


def test_cache_that_lacks_the_weights_is_completed(hub, tiny_folder, folder):
    (folder / "model.safetensors").unlink()
    stand_in = hub(local=folder, remote=tiny_folder)
    assert locate("tiny").folder == tiny_folder
    assert stand_in.fetched[0] == ["config.json"]
    assert len(stand_in.fetched) == 2


def test_other_family_is_refused_before_its_weights_are_fetched(hub, folder):
    path = folder / "config.json"
    path.write_text(path.read_text().replace('"gpt2"', '"llama"'))
    stand_in = hub(remote=folder)
    with pytest.raises(ModelFamilyError, match="llama"):
        load_model("someone/llama")
    assert stand_in.fetched == [["config.json"]]


def test_only_files_without_code_are_fetched(hub, tiny_folder):
    stand_in = hub(remote=tiny_folder)
    locate("tiny")
    fetched = {pattern for patterns in stand_in.fetched for pattern in patterns}
    assert not {Path(pattern).suffix for pattern in fetched} & {".py", ".bin", ".pt", ".h5"}


def test_hub_model_with_pickle_weights_only_is_refused(hub, folder):
    (folder / "model.safetensors").unlink()
    hub(remote=folder)
    with pytest.raises(ModelFilesError, match="has no weights"):
        load_model("someone/pickled")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (LocalEntryNotFoundError("ConnectError"), NetworkError, r"be reached. No connection"),
        (ConnectionError("refused"), NetworkError, r"be reached. No connection.*gpt2-mini"),
        (answer(HfHubHTTPError, 503), NetworkError, r"be reached. It answered .* error 503. Go"),
        (OSError(28, "No space left"), NetworkError, r"The system says: .*No space left"),
        (answer(RepositoryNotFoundError, 404), ModelNotFoundError, r"no model called some/name"),
        (answer(GatedRepoError, 403), ModelNotFoundError, r"accepted its terms"),
    ],
    ids=["not cached", "no connection", "server down", "no room", "not found", "gated"],
)
def test_answers_of_the_hub(hub, error, kind, words):
    hub(remote=error)
    with pytest.raises(kind, match=words):
        load_model("some/name")


def test_no_network_is_said_in_seconds_and_words(monkeypatch, tmp_path):
    """The real hub client, with its cache empty and every look-up refused."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: (_ for _ in ()).throw(OSError(-2)))
    with pytest.raises(NetworkError, match=r"gpt2 is not on this machine.*gpt2-mini") as caught:
        load_model("gpt2")
    assert "Error" not in str(caught.value)


def test_folder_named_like_a_hub_model_wins_only_with_a_config(
    hub, tiny_folder, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    hub(remote=tiny_folder)
    (tmp_path / "gpt2").mkdir()
    assert locate("gpt2").kind == "hub"
    shutil.copy(tiny_folder / "config.json", tmp_path / "gpt2")
    assert locate("gpt2").kind == "folder"


def test_folder_may_be_given_as_a_path_or_with_a_tilde(tiny_folder, monkeypatch):
    monkeypatch.setenv("HOME", str(tiny_folder.parent))
    assert locate(tiny_folder).folder == tiny_folder
    assert locate(f"~/{tiny_folder.name}").folder == tiny_folder
