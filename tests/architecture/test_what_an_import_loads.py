import json
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT

HEAVY = {"torch", "transformers", "streamlit"}


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after a statement."""
    code = (
        f"{statement}\nimport json, sys\nprint(json.dumps([m.split('.')[0] for m in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module",
    [
        "kvviz",
        "kvviz.trace",
        "kvviz.analysis",
        "kvviz.lessons",
        "kvviz.figures",
        "kvviz.player",
        "kvviz.__main__",
    ],
)
def test_neither_torch_nor_transformers_nor_streamlit(module):
    loaded = loaded_by(f"import {module}")
    assert "numpy" in loaded or module == "kvviz.lessons"
    assert not loaded & HEAVY


def test_kvviz_alone_loads_no_drawing():
    assert "plotly" not in loaded_by("import kvviz")
    assert "plotly" in loaded_by("import kvviz.figures")


def test_the_pages_load_without_torch():
    loaded = loaded_by("import kvviz.ui.pages.start.page, kvviz.ui.pages.kv_cache.page")
    assert "streamlit" in loaded
    assert not loaded & {"torch", "transformers"}


def test_the_engine_is_loaded_when_it_is_asked_for():
    assert "torch" in loaded_by("import kvviz; kvviz.load_model")


def test_pandas_is_whole_before_the_first_figure():
    assert "pandas" in loaded_by("import kvviz.figures")
