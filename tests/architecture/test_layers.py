import subprocess
import sys

import pytest

from tests.architecture.sources import MODULES, PACKAGE, ROOT, folder_of, imported

MODEL_LIBRARIES = {"gguf", "torch", "transformers", "tokenizers", "safetensors", "huggingface_hub"}


def test_data_flows_one_way():
    # In a process of its own: import-linter silences every logger there is.
    code = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def users_of(libraries: set[str]) -> set[tuple[str, str]]:
    """Return who imports one of these libraries: the part of the package, and the file."""
    return {
        (folder_of(path), str(path.relative_to(PACKAGE)))
        for path in MODULES
        if {module.split(".")[0] for module in imported(path)} & libraries
    }


@pytest.mark.parametrize(
    ("libraries", "places"),
    [
        (MODEL_LIBRARIES, {"engine"}),
        ({"streamlit"}, {"ui"}),
        ({"plotly"}, {"figures", "ui"}),
        ({"httpx2"}, {"serving"}),
    ],
    ids=["model libraries", "streamlit", "plotly", "httpx2"],
)
def test_a_library_is_known_in_its_place_only(libraries, places):
    assert [file for folder, file in sorted(users_of(libraries)) if folder not in places] == []


def test_the_engine_is_where_torch_is_and_the_ui_where_streamlit_is():
    """The test above would pass on a package that uses none of them."""
    used = {
        (folder_of(path), module.split(".")[0]) for path in MODULES for module in imported(path)
    }
    assert {
        ("engine", "torch"),
        ("ui", "streamlit"),
        ("figures", "plotly"),
        ("serving", "httpx2"),
    } <= used


def test_ray_is_known_to_its_deployment_alone():
    """Its library can end the process that it is in. That nobody imports it is a contract."""
    assert users_of({"ray"}) == {("serving", "serving/deployment.py")}
