"""Which models take a conversation, as far as that is known without loading one."""

from __future__ import annotations

from pathlib import Path

from kvviz.published import model_home
from kvviz.ui.shell.environment import Environment
from kvviz.ui.work import runs
from kvviz.ui.work.model_names import WEIGHTS
from kvviz.ui.work.model_store import model_store

OF_ITS_OWN = ("chat_template.jinja", "chat_template.json")
CONFIG = "tokenizer_config.json"


def takes_conversation(model: str) -> bool:
    """Whether a model's tokenizer is known to bring a chat template.

    Of a model that is not loaded its files are looked at, where it ships, was added, or is a folder
    that the person at this machine has typed. Of any other it is known once it was run.
    """
    loaded = model_store().named(model)
    if loaded is not None:
        return loaded.has_chat_template
    folder = _folder(model)
    return folder is not None and _has_template(folder)


def _folder(model: str) -> Path | None:
    ours = model_home.at_hand() | {f"kvviz/{path.name}": path for path in WEIGHTS.iterdir()}
    if model in ours:
        return ours[model]
    typed = Environment.read().allows(model, typed_here=runs.is_local_visitor())
    return Path(model) if model and typed else None


def _has_template(folder: Path) -> bool:
    try:
        if any((folder / name).is_file() for name in OF_ITS_OWN):
            return True
        return '"chat_template"' in (folder / CONFIG).read_text(encoding="utf-8")
    except (OSError, ValueError):  # no such file, or a name that no path can have
        return False
