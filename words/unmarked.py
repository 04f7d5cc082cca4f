"""Sentences in the Python sources that no marking call holds.

Read off the syntax tree. Looked at is every text but docstrings and other bare strings,
annotations, what is compared or looked up by, and what goes into a call that no person reads
(`_NOT_READ`) or into an exception of Python's own. It counts as unmarked if it looks like a
sentence, and in an argument that is surely shown (`_SHOWN…`) if there is a word in it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from words.catalogues import SOURCES
from words.sentences import FILLED, has_words, looks_like_a_sentence

MARKING = {"_", "gettext", "ngettext", "pgettext", "N_"}
ESCAPE = re.compile(r"#.*\bnot for people: \S")
"""``# not for people: <reason>`` on a line of the text, or on the line above its statement."""

_NOT_READ = {
    # of this language and its library
    "cast", "TypeVar", "getattr", "setattr", "hasattr", "getLogger", "compile", "sub", "search",
    "fullmatch", "match", "findall", "finditer", "startswith", "endswith", "split", "rsplit",
    "partition", "rpartition", "removeprefix", "removesuffix", "strip", "lstrip", "rstrip",
    "replace", "encode", "decode", "index", "find", "count", "open", "read_text", "joinpath",
    "glob", "rglob",
    "import_module", "files", "Path", "fromisoformat", "strftime", "dtype", "warns",
    "filterwarnings", "simplefilter", "einsum", "environ", "setdefault", "pop", "get",
    # the log, for who runs the server
    "debug", "exception", "critical", "log",
}  # fmt: skip
_LESSONS = {"caption", "question", "term"}
"""What `lessons()` is asked by the id of an entry."""
_LOGS = {"log", "logger", "logging", "_log"}
_SHOWN_FIRST = {
    "title", "header", "subheader", "caption", "markdown", "html", "info", "error", "warning",
    "success", "button", "download_button", "link_button", "form_submit_button", "checkbox",
    "toggle", "radio", "selectbox", "multiselect", "slider", "select_slider", "number_input",
    "text_input", "text_area", "expander", "popover", "metric", "segmented_control", "pills",
    "toast", "spinner", "status", "file_uploader", "write", "tabs", "add_annotation",
}  # fmt: skip
_SHOWN_KEYWORDS = {
    "label", "help", "placeholder", "body", "found", "fix", "title_text", "hovertemplate",
    "ticktext", "caption", "captions", "page_title", "description", "epilog",
}  # fmt: skip
_SHOWN_IN_FIGURES = {"name", "text", "title", "labels", "texttemplate"}
_NOT_SHOWN_KEYWORDS = {
    "key", "icon", "type", "textposition", "xanchor", "yanchor", "mode", "fill", "anchor", "class_",
    "size", "gap", "width", "height", "vertical_alignment", "prog", "metavar", "dest",
}  # fmt: skip
_PYTHON_ERRORS = {
    "ValueError", "TypeError", "KeyError", "IndexError", "AttributeError", "LookupError",
    "RuntimeError", "OSError", "NotImplementedError", "AssertionError", "SystemExit",
    "ArgumentTypeError",
}  # fmt: skip


@dataclass(frozen=True, order=True)
class Unmarked:
    """A text that should be in a marking call, and where it stands."""

    path: Path
    line: int
    text: str
    why: str = "not marked"


@dataclass(frozen=True)
class _Place:
    """What is known of where a text stands."""

    shown: bool = False
    figures: bool = False


def sources(paths: Iterable[Path] = (SOURCES,)) -> list[Path]:
    """Return the Python files among some files and folders."""
    return sorted(
        one
        for path in paths
        for one in ([path] if path.is_file() else path.rglob("*.py"))
        if one.suffix == ".py"
    )


def unmarked(path: Path) -> list[Unmarked]:
    """Return the sentences of a Python file that are not marked, and marks that do not work."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    found = list(_Reader(path, source).read(tree, _Place(figures="figures" in path.parts)))
    return sorted(set(found))


def marked(path: Path) -> set[str]:
    """Return the messages of a Python file that stand in marking calls, without their contexts."""
    return {
        one.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _name(node.func) in MARKING
        for one in node.args[_name(node.func) == "pgettext" :]
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }


class _Reader:
    def __init__(self, path: Path, source: str) -> None:
        self._path = path
        self._lines = source.splitlines()
        self._statement = 1

    def read(self, node: ast.AST, place: _Place) -> Iterator[Unmarked]:
        """Yield what is unmarked in a node and below it."""
        if isinstance(node, ast.stmt):
            self._statement = node.lineno
        match node:
            case ast.Constant(value=str() as text):
                yield from self._text(node, text, place)
            case ast.JoinedStr():
                yield from self._joined(node, place)
            case ast.Call():
                yield from self._call(node, place)
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.arg() | ast.Import() | ast.ImportFrom():
                pass
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from self._all((*node.decorator_list, node.args, *node.body), place)
            case ast.AnnAssign(value=value):
                yield from self._all(() if value is None else (value,), place)
            case ast.Compare():
                yield from self._all(_beside_constants([node.left, *node.comparators]), place)
            case ast.Subscript():
                yield from self._all((node.value,), place)
            case ast.Dict():
                keys = [key for key in node.keys if key is not None and _is_label(key)]
                yield from self._all((*keys, *node.values), place)
            case ast.Assign(targets=[ast.Name(id="__all__" | "__doc__")]):
                pass
            case ast.MatchValue():
                pass
            case _:
                yield from self._all(ast.iter_child_nodes(node), place)

    def _all(self, nodes: Iterator[ast.AST] | tuple | list, place: _Place) -> Iterator[Unmarked]:
        for node in nodes:
            yield from self.read(node, place)

    def _call(self, node: ast.Call, place: _Place) -> Iterator[Unmarked]:
        name = _name(node.func)
        if name in MARKING:
            yield from self._mark(node, name)
            return
        if isinstance(node.func, ast.Attribute):
            # What is before the dot: "…".join(…), _("…").format(…)
            yield from self.read(node.func.value, place)
            of = _name(node.func.value)
            if of in _LOGS or name in _NOT_READ:
                return
            if name in _LESSONS and (of == "words" or isinstance(node.func.value, ast.Call)):
                return
        elif name in _NOT_READ or name in _PYTHON_ERRORS:
            return
        error = name.endswith("Error") and name not in _PYTHON_ERRORS
        for number, argument in enumerate(node.args):
            shown = error or (
                number == 0 and name in _SHOWN_FIRST and isinstance(node.func, ast.Attribute)
            )
            yield from self.read(argument, _Place(shown or _passes(name, place), place.figures))
        for keyword in node.keywords:
            if keyword.arg in _NOT_SHOWN_KEYWORDS:
                continue
            shown = keyword.arg in _SHOWN_KEYWORDS or (
                place.figures and keyword.arg in _SHOWN_IN_FIGURES
            )
            yield from self.read(
                keyword.value, _Place(shown or _passes(name, place), place.figures)
            )

    def _mark(self, node: ast.Call, name: str) -> Iterator[Unmarked]:
        n_messages = {"ngettext": 2, "pgettext": 2}.get(name, 1)
        for argument in node.args[:n_messages]:
            if isinstance(argument, ast.JoinedStr | ast.BinOp) or (
                isinstance(argument, ast.Call) and _name(argument.func) == "format"
            ):
                text = ast.unparse(argument)
                yield Unmarked(self._path, node.lineno, text, "marked, but no constant text")
        yield from self._all(node.args[n_messages:], _Place())

    def _joined(self, node: ast.JoinedStr, place: _Place) -> Iterator[Unmarked]:
        text = "".join(
            str(part.value) if isinstance(part, ast.Constant) else FILLED for part in node.values
        )
        yield from self._text(node, text, place)
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from self.read(part.value, _Place(False, place.figures))

    def _text(self, node: ast.expr, text: str, place: _Place) -> Iterator[Unmarked]:
        if not (has_words(text) if place.shown else looks_like_a_sentence(text)):
            return
        if not self._escaped(node):
            yield Unmarked(self._path, node.lineno, text.replace(FILLED, "{…}"))

    def _escaped(self, node: ast.expr) -> bool:
        last = node.end_lineno or node.lineno
        own = self._lines[node.lineno - 1 : last]
        above = self._lines[self._statement - 2 : self._statement - 1]
        alone = [line for line in above if line.lstrip().startswith("#")]
        return any(ESCAPE.search(line) for line in (*own, *alone))


def _name(node: ast.expr) -> str:
    """Return the last part of a dotted name."""
    return getattr(node, "attr", getattr(node, "id", ""))


def _passes(name: str, place: _Place) -> bool:
    """Whether what a call is given is shown where its result is: only for what keeps the text."""
    return place.shown and name in {"format", "join", "plain_html", "plain", "escape"}


def _is_label(key: ast.expr) -> bool:
    return isinstance(key, ast.JoinedStr) or (
        isinstance(key, ast.Constant) and isinstance(key.value, str) and " " in key.value
    )


def _beside_constants(sides: list[ast.expr]) -> list[ast.expr]:
    return [
        side
        for side in sides
        if not isinstance(side, ast.Constant | ast.Tuple | ast.List | ast.Set)
    ]
