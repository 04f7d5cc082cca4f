import json
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT

HEAVY = {"torch", "transformers", "streamlit", "ray"}

PAGES = {
    # All that the first page of a cold server needs.
    "the start page with its run": (
        "from kvviz.ui.shell import frame; from kvviz.ui.pages.start import page; "
        "from kvviz.ui.parts import player; from kvviz.ui.work import shipped_runs; "
        "run = shipped_runs.shipped_run(shipped_runs.GPT2); "
        "player.packed(run, page.View(0, 0, 0, 'both'), 0)"
    ),
    "the main page": "import kvviz.ui.pages.kv_cache.page",
    "the page on sizes": "import kvviz.ui.pages.model_sizes.page",
}

ASKED_FOR = """
class Door:
    def find_spec(self, name, *_):
        if name in {heavy!r}:
            print(json.dumps([name]))
            raise SystemExit

sys.meta_path.insert(0, Door())
kvviz.load_model
""".format(heavy=("torch", "transformers"))
"""Says what the engine asks for first, and ends there: to load torch takes three seconds."""

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
    *PAGES.values(),
    ASKED_FOR,
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


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_there_without_torch(loaded, page):
    assert "streamlit" in loaded[PAGES[page]]
    assert not loaded[PAGES[page]] & {"torch", "transformers"}


def test_the_engine_is_loaded_when_it_is_asked_for(loaded):
    assert loaded[ASKED_FOR] & {"torch", "transformers"}


def test_pandas_is_whole_before_the_first_figure():
    # In an interpreter of its own: another part of the package must not have brought it.
    assert "pandas" in loaded_by("import kvviz.figures")["import kvviz.figures"]
