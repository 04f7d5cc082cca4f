import ast
from pathlib import Path

import pytest

from tests.architecture.sources import MODULES, PACKAGE, ROOT

PAGES = sorted((ROOT / "pages").glob("*.py"))
MOST_LINES = 400
NAMES_THAT_SAY_NOTHING = {"utils.py", "util.py", "helpers.py", "helper.py", "misc.py", "common.py"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_is_short_and_its_name_says_what_it_holds(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    assert path.name not in NAMES_THAT_SAY_NOTHING


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_says_what_it_is(path: Path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_there_are_pages():
    assert {"start.py", "kv_cache.py"} <= {path.name for path in PAGES}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_a_docstring_and_a_call_into_the_ui(path: Path):
    docstring, *imports, call = ast.parse(path.read_text(encoding="utf-8")).body
    assert isinstance(docstring, ast.Expr)
    assert isinstance(docstring.value, ast.Constant)
    assert isinstance(docstring.value.value, str)
    assert imports
    for statement in imports:
        assert isinstance(statement, ast.ImportFrom)
        assert (statement.module or "").split(".")[:2] == ["kvviz", "ui"]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)


def test_the_app_is_as_thin():
    for statement in ast.parse((ROOT / "app.py").read_text(encoding="utf-8")).body:
        assert isinstance(statement, ast.Expr | ast.Import | ast.ImportFrom | ast.Assign)
