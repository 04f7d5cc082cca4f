import json
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT

HEAVY = {"torch", "transformers", "streamlit", "ray"}

ONE_AFTER_THE_OTHER = (
    "import kvviz",
    "import kvviz.lessons",
    "import kvviz.trace",
    "import kvviz.analysis",
    "import kvviz.player",
    "import kvviz.published.fetching, kvviz.published.model_home",
    "import kvviz.serving.ray_runner, kvviz.serving.replica",
    "import kvviz.__main__",
    "import kvviz.figures",
    "import kvviz.ui.pages.start.page, kvviz.ui.pages.kv_cache.page",
    "kvviz.load_model",
)


def loaded_by(*statements: str) -> dict[str, set[str]]:
    """Return the top-level modules that one fresh interpreter holds after each statement."""
    code = "import json, sys\n" + "\n".join(
        f"{line}\nprint(json.dumps([m.split('.')[0] for m in sys.modules]))" for line in statements
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told = [set(json.loads(line)) for line in done.stdout.splitlines()]
    return dict(zip(statements, told, strict=True))


@pytest.fixture(scope="module")
def loaded():
    return loaded_by(*ONE_AFTER_THE_OTHER)


def test_neither_torch_nor_transformers_nor_streamlit(loaded):
    light = ONE_AFTER_THE_OTHER[: ONE_AFTER_THE_OTHER.index("import kvviz.figures") + 1]
    assert [statement for statement in light if loaded[statement] & HEAVY] == []
    assert "numpy" in loaded["import kvviz.trace"]


def test_kvviz_alone_loads_no_drawing(loaded):
    assert "plotly" not in loaded["import kvviz"]
    assert "plotly" in loaded["import kvviz.figures"]


def test_the_pages_load_without_torch(loaded):
    pages = loaded["import kvviz.ui.pages.start.page, kvviz.ui.pages.kv_cache.page"]
    assert "streamlit" in pages
    assert not pages & {"torch", "transformers"}


def test_the_engine_is_loaded_when_it_is_asked_for(loaded):
    assert "torch" in loaded["kvviz.load_model"]


def test_pandas_is_whole_before_the_first_figure():
    # In an interpreter of its own: another part of the package must not have brought it.
    assert "pandas" in loaded_by("import kvviz.figures")["import kvviz.figures"]
