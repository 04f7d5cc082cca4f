"""Cases of a fuzzer: each has a number and its own source of chance, so that it can be made again.

`KVVIZ_FUZZ_SEED` begins other cases, `KVVIZ_FUZZ_TIMES` makes all of them, so many times over
(``make test-fuzz`` does both), and `KVVIZ_FUZZ_CASE` makes one alone. What fails says how to repeat
it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

from kvviz.errors import KvvizError

SEED = int(os.environ.get("KVVIZ_FUZZ_SEED", "18"))
TIMES = int(os.environ.get("KVVIZ_FUZZ_TIMES", "0"))
ONLY = os.environ.get("KVVIZ_FUZZ_CASE")
HANGS_AFTER_S = 20.0
"""Of the processor's time, which others on the machine do not use up. No case takes a second."""


def each(n_cases: int, check: Callable[[Random], object], *, usually: int | None = None) -> None:
    """Call `check` with so many sources of chance, and name the one with which it fails.

    Args:
        n_cases: How many.
        check: What is done with each.
        usually: How many where nobody asks for all of them: of cases that take long.
    """
    n_made = n_cases * TIMES or usually or n_cases
    numbers = range(n_made) if ONLY is None else [int(ONLY)]
    for number in numbers:
        with _limited():
            try:
                check(Random(f"{SEED}:{number}"))
            # What a library in Rust panics with is no Exception.
            except BaseException as error:
                error.add_note(
                    f"To repeat it: KVVIZ_FUZZ_SEED={SEED} KVVIZ_FUZZ_CASE={number} "
                    f".venv/bin/python -m pytest {os.environ.get('PYTEST_CURRENT_TEST', '')}"
                )
                raise


REFUSED: Any = object()
"""What `taken` returns where something was refused."""


def taken(work: Callable[[], Any], *kinds: type[KvvizError], longest: int = 800) -> Any:
    """Return what `work` returns, `REFUSED` where it says in a sentence why it does not.

    Args:
        work: What to do.
        kinds: The errors that may be; any deliberate one if none is named.
        longest: Letters of the sentence: what anybody may send fills no page and no log.
    """
    try:
        return work()
    except KvvizError as error:
        refused = error
    assert isinstance(refused, kinds or KvvizError), repr(refused)
    assert refused.what
    assert len(str(refused)) <= longest, refused
    return REFUSED


@contextmanager
def _limited() -> Generator[None]:
    """Raise inside the ``with`` what goes on for ever."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"It goes on after {HANGS_AFTER_S} s.")

    before = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, HANGS_AFTER_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


# ---- what anybody may send

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "[a](javascript:alert(1)) ![b](//evil.test/c.png)",
    "{{7*7}} ${7*7} %s %(x)s {0} {name} {}",
    "<|endoftext|>[MASK][CLS][SEP][PAD]</s><pad><extra_id_0><extra_id_99>",
    "<0xE2> ▁▁ ##a Ġa Ċ",
    "'; DROP TABLE runs; --",
    "=HYPERLINK(1)",
    "../../../etc/passwd",
)
_RANGES = (
    (0x20, 0x7F),
    (0x00, 0x20),
    (0x7F, 0x100),
    (0x300, 0x370),
    (0x370, 0x600),
    (0x900, 0xE00),
    (0x1100, 0x1200),
    (0x2000, 0x2070),
    (0x3040, 0x30FF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A4),
    (0xE000, 0xF900),
    (0xFE00, 0xFE10),
    (0xFFF0, 0x10000),
    (0x1F300, 0x1FAFF),
    (0xE0000, 0xE0080),
    (0, 0x110000),
)
_SURROGATES = (0xD800, 0xE000)


def any_text(draw: Random, longest: int = 40, *, surrogates: bool = True) -> str:
    """Return text of any characters, among them those that Unicode forbids alone."""
    if draw.random() < 0.1:
        return draw.choice(HOSTILE)
    least, end = draw.choice(_RANGES)
    length = min(draw.choice((0, 1, 2, 3, 8, 20, longest)), longest)
    codes = [draw.randrange(least, end) for _ in range(length)]
    if draw.random() < 0.2:
        codes = codes[:1] * length
    if surrogates and draw.random() < 0.02:
        codes.append(draw.randrange(*_SURROGATES))
    text = "".join(map(chr, codes))
    if not surrogates or draw.random() < 0.9:
        text = "".join(one for one in text if not 0xD800 <= ord(one) < 0xE000)
    if draw.random() < 0.2:
        place = draw.randrange(len(text) + 1)
        text = text[:place] + draw.choice(HOSTILE) + text[place:]
    return text


_NUMBERS = (0, 1, -1, 2, 3, 7, 255, 65536, 2**31, 2**53, 2**63, -(2**63), 10**30, 10**400)
_FLOATS = (0.0, -0.0, 0.5, 1.5, -1e-300, 1e308, float("inf"), float("-inf"), float("nan"))


def any_json(draw: Random, depth: int = 3) -> Any:
    """Return what can come as JSON, in Python's reading of it."""
    kind = draw.randrange(9 if depth else 6)
    if kind == 0:
        return draw.choice((None, True, False))
    if kind in (1, 2):
        return draw.choice(_NUMBERS) if draw.random() < 0.5 else draw.randrange(-3, 40)
    if kind == 3:
        return draw.choice(_FLOATS)
    if kind in (4, 5):
        return any_text(draw, 12)
    if kind == 6:
        return [any_json(draw, depth - 1) for _ in range(draw.randrange(4))]
    return {any_text(draw, 6): any_json(draw, depth - 1) for _ in range(draw.randrange(4))}


Path = tuple[Any, ...]


def places(value: Any, path: Path = ()) -> list[Path]:
    """Return the way to every value of a JSON tree, the tree itself first."""
    found = [path]
    if isinstance(value, dict):
        inner: Sequence[tuple[Any, Any]] = [*value.items()]
    else:
        inner = [*enumerate(value)] if isinstance(value, list) else []
    for key, part in inner:
        found += places(part, (*path, key))
    return found


def changed(draw: Random, tree: Any, ways: Sequence[Path] | None = None) -> Any:
    """Return a copy of a JSON tree with one thing in it another, gone, or new.

    Args:
        draw: Where chance comes from.
        tree: The tree.
        ways: What may be changed, as `places` lists it; all of it if None.
    """
    path = draw.choice(ways or places(tree))
    if not path:
        return any_json(draw)
    copy = tree.copy()
    here = copy
    for key in path[:-1]:
        here[key] = here[key].copy()
        here = here[key]
    key, what = path[-1], draw.randrange(6)
    before = here[key]
    if what == 0:
        del here[key]
    elif what == 1 and isinstance(here, dict):
        here[any_text(draw, 8)] = before
    elif what == 1:
        here.insert(key, before)
    elif what == 2 and type(before) in (int, float):
        here[key] = before + draw.choice((1, -1, 0.5, 10**6, -before))
    elif what == 3 and isinstance(before, str):
        here[key] = any_text(draw, 3) + before[draw.randrange(len(before) + 1) :]
    else:
        here[key] = any_json(draw)
    return copy
