import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import MODULES, PACKAGE, ROOT, folder_of, imported

MODEL_LIBRARIES = {"torch", "transformers", "tokenizers", "safetensors", "huggingface_hub"}


def test_data_flows_one_way():
    # In a process of its own: import-linter silences every logger there is.
    code = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_only_the_engine_knows_the_model_libraries(path):
    used = {module.split(".")[0] for module in imported(path)} & MODEL_LIBRARIES
    assert not used or folder_of(path) == "engine"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_only_the_ui_knows_streamlit(path):
    used = {module.split(".")[0] for module in imported(path)} & {"streamlit"}
    assert not used or folder_of(path) == "ui"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_only_figures_and_who_places_them_know_plotly(path):
    used = {module.split(".")[0] for module in imported(path)} & {"plotly"}
    assert not used or folder_of(path) in ("figures", "ui")


def test_the_engine_is_where_torch_is_and_the_ui_where_streamlit_is():
    """The three tests above would pass on a package that uses none of them."""
    used = {
        (folder_of(path), module.split(".")[0]) for path in MODULES for module in imported(path)
    }
    assert {("engine", "torch"), ("ui", "streamlit"), ("figures", "plotly")} <= used
