"""What the README says is run as it stands there."""

import re
from pathlib import Path

import kvviz

README = Path(__file__).parents[2] / "README.md"


def test_the_python_example_runs_as_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert example
    names: dict[str, object] = {}
    exec(example[1], names)
    trace = names["trace"]
    assert isinstance(trace, kvviz.GenerationTrace)
    assert kvviz.open_trace("run.npz").text == trace.text
    assert "data-kvviz" in Path("run.html").read_text(encoding="utf-8")


def test_every_picture_and_page_that_the_readme_links_to_is_there():
    text = README.read_text(encoding="utf-8")
    local = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert len(local) > 5
    missing = [link for link in local if not (README.parent / link).exists()]
    assert missing == []


def test_every_make_target_that_the_readme_names_exists():
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"^make ([a-z]+)", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) >= {"app", "test"}
    missing = [name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)]
    assert missing == []
