"""Where a model is: bundled with kvviz, added by the user, in a folder, or on the hub."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import get_session, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from kvviz.engine.models.devices import first_line
from kvviz.engine.models.model_files import has_tokenizer, has_weights, read_config
from kvviz.errors import KvvizError, ModelNotFoundError, NetworkError
from kvviz.published import model_home
from kvviz.published.catalogue import CATALOGUE, PREFIX, megabytes
from kvviz.translation import gettext as _

_BUNDLED_ROOT = Path(__file__).parents[2] / "weights"
_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", re.ASCII)
HUB_SILENT_S = 10.0
"""How long a hub may say nothing. By itself its client waits for ever, and with it who asked."""
_HUB_FILES = [
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "*.model",
]


@dataclass(frozen=True)
class ModelSource:
    """A folder with a model's files, and how it was found."""

    name: str
    kind: Literal["bundled", "added", "folder", "hub"]
    folder: Path


def list_bundled(family: str | None = None) -> list[str]:
    """Return the names of the models that come with kvviz.

    Args:
        family: Only those of this family, such as ``gpt2``; all if None.
    """
    names: list[str] = []
    for config in sorted(_BUNDLED_ROOT.glob("*/config.json")):
        model_type = json.loads(config.read_text(encoding="utf-8")).get("model_type")
        if family is None or model_type == family:
            names.append(PREFIX + config.parent.name)
    return names


def locate(name: str | os.PathLike[str]) -> ModelSource:
    """Find a model by its bundled name, its folder, or its name on the hub.

    A bundled name never touches the network, nor does a folder. A hub name does only where the
    local hub cache lacks the model.

    Raises:
        ModelNotFoundError: If nothing answers to the name.
        ModelFamilyError: If the hub's model is of no family that kvviz runs.
        NetworkError: If the model would have to be fetched and the hub cannot be reached.
    """
    if not isinstance(name, (str, os.PathLike)):
        raise ModelNotFoundError(
            _("A model is named by text or a path."),
            found=_("This is {type}.").format(type=type(name).__name__),
        )
    text = os.fspath(name)
    if text.startswith(PREFIX):
        return _bundled(text)
    path = Path(text).expanduser()
    if path.is_dir() and (_looks_like_path(name) or (path / "config.json").exists()):
        return ModelSource(text, "folder", path)
    if path.is_file():
        raise ModelNotFoundError(
            _("A model is a folder of files."),
            found=_("{path} is a single file.").format(path=text),
            fix=_("Give the folder that holds config.json and model.safetensors."),
        )
    if _looks_like_path(name):
        raise ModelNotFoundError(
            _("There is no folder {path}.").format(path=text), fix=_bundled_names()
        )
    if not _HUB_NAME.fullmatch(text):
        raise ModelNotFoundError(
            _("This names no model."),
            found=_("It is {found!r}.").format(found=text[:80]),
            fix=_bundled_names(),
        )
    return ModelSource(text, "hub", _hub_folder(text))


def _bundled(name: str) -> ModelSource:
    if name in list_bundled():
        return ModelSource(name, "bundled", _BUNDLED_ROOT / name.removeprefix(PREFIX))
    if folder := model_home.at_hand().get(name):
        return ModelSource(name, "added", folder)
    if model := CATALOGUE.get(name.removeprefix(PREFIX)):
        command = f"python -m kvviz models add {model.name}"  # not for people: what is typed
        raise ModelNotFoundError(
            _("{model} is not on this machine yet.").format(model=model.title),
            fix=_("Add it once, which fetches {size}: {command}.").format(
                size=megabytes(model.fetched_bytes), command=command
            ),
        )
    raise ModelNotFoundError(
        _("No model called {model} comes with kvviz.").format(model=name[:80]),
        fix=_bundled_names(),
    )


def _bundled_names() -> str:
    return _("Name one that comes with kvviz ({models}), a folder, or a hub name.").format(
        models=", ".join(list_bundled())
    )


def _looks_like_path(name: str | os.PathLike[str]) -> bool:
    if not isinstance(name, str):
        return True
    return name.startswith((".", "~", os.sep)) or name.count("/") > 1 or Path(name).is_absolute()


def _hub_folder(name: str) -> Path:
    """Return the local folder of a hub model, fetched where the hub cache does not have it."""
    try:
        folder = Path(snapshot_download(name, allow_patterns=_HUB_FILES, local_files_only=True))
        if has_weights(folder) and has_tokenizer(folder):
            return folder
    except LocalEntryNotFoundError:
        pass
    hooks = get_session().event_hooks
    if _gives_up not in hooks["request"]:
        hooks["request"].append(_gives_up)
    try:
        # The config first: a model of another family is refused before its weights are fetched.
        read_config(Path(snapshot_download(name, allow_patterns=["config.json"])))
        return Path(snapshot_download(name, allow_patterns=_HUB_FILES))
    except KvvizError:
        raise
    except GatedRepoError as error:
        raise ModelNotFoundError(
            _("The hub gives {model} only to those who have accepted its terms.").format(
                model=name
            ),
            fix=_("Accept them on the model's page and log in with `hf auth login`."),
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelNotFoundError(
            _("The hub has no model called {model}, or it is private.").format(model=name),
            fix=_bundled_names(),
        ) from error
    except Exception as error:  # what stands at the hub's address may answer with anything
        raise NetworkError(
            _("{model} is not on this machine and the hub cannot be reached.").format(model=name),
            found=_why_unreached(error),
            fix=_("Go online once to fetch it, or use one that needs no network: {models}.").format(
                models=", ".join(list_bundled())
            ),
        ) from error


def _gives_up(request: Any) -> None:
    """Have a request of the hub's client that would wait for ever give up after a while."""
    said = request.extensions.get("timeout", {})
    request.extensions["timeout"] = {
        phase: HUB_SILENT_S if said.get(phase) is None else said[phase]
        for phase in ("connect", "read", "write", "pool")
    }


def _why_unreached(error: Exception) -> str:
    """Say why the hub gave nothing, without the names that its client has for that."""
    if isinstance(error, LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    if isinstance(error, HfHubHTTPError):
        return _("It answered with the error {code}.").format(code=error.response.status_code)
    # Of the package that the client makes requests with.
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "TimeoutException" in kinds:
        return _("It said nothing for {n:g} seconds.").format(n=HUB_SILENT_S)
    if "ConnectError" in kinds or isinstance(error, (LocalEntryNotFoundError, ConnectionError)):
        return _("No connection to it could be made: this machine may be offline.")
    if not isinstance(error, OSError):
        return _("What it answered could not be read: {words}.").format(
            words=first_line(error).rstrip(".") or type(error).__name__
        )
    return _("The system says: {words}.").format(words=first_line(error))
