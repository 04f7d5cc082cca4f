import ast
from pathlib import Path

import pytest

from tests.architecture.sources import MODULES, PACKAGE, ROOT, tree_of

PAGES = sorted((ROOT / "pages").glob("*.py"))
MOST_LINES = 400
NAMES_THAT_SAY_NOTHING = {"utils.py", "util.py", "helpers.py", "helper.py", "misc.py", "common.py"}


def named(paths) -> list[str]:
    return [str(path.relative_to(PACKAGE)) for path in paths]


def test_a_file_is_short():
    long = [path for path in MODULES if len(path.read_text("utf-8").splitlines()) > MOST_LINES]
    assert named(long) == []


def test_the_name_of_a_file_says_what_it_holds():
    assert named(path for path in MODULES if path.name in NAMES_THAT_SAY_NOTHING) == []


def test_a_file_says_what_it_is():
    silent = [path for path in MODULES if not ast.get_docstring(tree_of(path))]
    assert named(silent) == []


def test_there_are_pages():
    assert {"start.py", "kv_cache.py"} <= {path.name for path in PAGES}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_a_docstring_and_a_call_into_the_ui(path: Path):
    docstring, *imports, call = tree_of(path).body
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
    for statement in tree_of(ROOT / "app.py").body:
        assert isinstance(statement, ast.Expr | ast.Import | ast.ImportFrom | ast.Assign)
