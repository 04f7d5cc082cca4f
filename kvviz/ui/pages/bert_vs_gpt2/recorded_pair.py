"""The page's own text as both twins read it, for a page that shows its point before it has models.

`python -m kvviz.ui.pages.bert_vs_gpt2.recorded_pair` makes it anew with the bundled models; do so
when a model or the file format changes.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import kvviz
from kvviz.trace import EncodingTrace
from kvviz.trace.storage import open_trace
from kvviz.ui.pages.bert_vs_gpt2.settings import TwinSettings

FOLDER = Path(kvviz.__file__).parent / "lessons" / "examples"
FILES = FOLDER / "look-gpt2.npz", FOLDER / "look-bert.npz"


def is_recorded(settings: TwinSettings) -> bool:
    """Whether these twins and this text are those that were recorded."""
    usual = TwinSettings()
    return (settings.text, settings.model, settings.bert) == (usual.text, usual.model, usual.bert)


@cache
def recorded_pair() -> tuple[EncodingTrace, EncodingTrace]:
    """Return what GPT-2 mini and BERT mini made of the page's own text.

    Raises:
        TraceFileError: If a file is damaged or of another format.
    """
    gpt2, bert = (open_trace(file, kind="encoding") for file in FILES)
    return gpt2, bert


def make() -> None:
    """Let both models read the text, and store it."""
    usual = TwinSettings()
    FOLDER.mkdir(exist_ok=True)
    for file, name in zip(FILES, (usual.model, usual.bert), strict=True):
        kvviz.trace_encoding(kvviz.load_model(name), usual.text).save(file)


if __name__ == "__main__":
    make()
