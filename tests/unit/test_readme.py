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


def test_every_test_that_the_page_on_trust_names_is_there():
    root = README.parent
    named = re.findall(
        r"`(tests/[\w/]+\.py)::(test_\w+)`", (root / "docs/trust.md").read_text("utf-8")
    )
    assert len(named) > 20
    missing = [
        name
        for path, name in named
        if f"def {name}(" not in (root / path).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_the_settings_are_all_in_the_table():
    table = README.read_text(encoding="utf-8").partition("## Settings")[2]
    package = Path(kvviz.__file__).parent
    read = {
        name
        for path in package.rglob("*.py")
        for name in re.findall(r'"(KVVIZ_[A-Z_]+)"', path.read_text(encoding="utf-8"))
    }
    assert "KVVIZ_MODE" in read
    # Of use to who writes the app alone; CONTRIBUTING has it.
    read -= {"KVVIZ_PSEUDO"}
    assert sorted(name for name in read if f"`{name}`" not in table) == []
