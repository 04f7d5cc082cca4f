"""The package as a person gets it: built, installed where no checkout is, opened in a browser.

Its app is the one that nobody else has asked anything, so here are also the first links to a cold
server.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tokenizers import Tokenizer

from kvviz.ui.shell.page_list import PAGES
from tests.browser.server import ROOT, started
from tests.browser.visit import COLD_MS

pytestmark = pytest.mark.browser

BESIDE = (
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "requirements-test.txt",
    "requirements-bench.txt",
    "requirements-published.txt",
    "requirements-ray.txt",
)
"""What the package is made of beside its folder; not tests, training or a checkout's app."""

PICTURE = '[data-kvviz="twins"]'
PROMPT = "The little dog ran to the park and"
N_STEPS = 8
N_NEW = 4


def run(*command: str | Path, folder: Path) -> str:
    """Run a command in a folder, as if there were no checkout, and return what it printed."""
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def environment() -> dict[str, str]:
    """Return the variables of this process without those that lead to the checkout."""
    own = ("KVVIZ_", "STREAMLIT_", "PYTHONPATH")
    return {name: text for name, text in os.environ.items() if not name.startswith(own)}


def files_in(folder: Path) -> set[str]:
    """Return what lies in a package's folder, as a wheel names it; not what Python wrote there."""
    return {
        path.relative_to(folder.parent).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@dataclass(frozen=True)
class Built:
    """The two files that a release consists of."""

    archive: Path
    wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The source archive, and the wheel that was built from nothing but the archive."""
    folder = tmp_path_factory.mktemp("build")
    source = folder / "source"
    source.mkdir()
    for name in BESIDE:
        shutil.copy(ROOT / name, source)
    left_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "kvviz", source / "kvviz", ignore=left_out)
    # Weights do not get smaller, whatever time one takes over them.
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder,
        "-C--build-option=--compression=stored", source, folder=folder)  # fmt: skip
    (archive,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return Built(archive, wheel)


@dataclass(frozen=True)
class Installation:
    """The package in an environment of its own.

    Attributes:
        python: The environment's interpreter.
        command: The command `kvviz`.
        empty: A folder with nothing in it, to start from.
    """

    python: Path
    command: Path
    empty: Path


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The wheel in a bare environment, which borrows torch and the like from that of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    scripts = Path(paths["scripts"])
    borrowed = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    Path(paths["purelib"], "borrowed.pth").write_text("\n".join(borrowed), encoding="utf-8")
    ending = ".exe" if os.name == "nt" else ""
    python = scripts / f"python{ending}"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps",
        "--no-index", "--no-compile", "--disable-pip-version-check", built.wheel,
        folder=folder)  # fmt: skip
    empty = tmp_path_factory.mktemp("empty")
    return Installation(python, scripts / f"kvviz{ending}", empty)


@pytest.fixture(scope="module")
def own(installed: Installation) -> Iterator[str]:
    """`kvviz app` in the empty folder; it has answered nothing."""
    command = [str(installed.command), "app", "--headless", "--port"]
    with started(command, installed.empty, environment()) as address:
        yield address


def test_no_file_of_the_package_is_missing(built):
    there = files_in(ROOT / "kvviz")
    assert {"kvviz/ui/shell/.streamlit/config.toml", "kvviz/player/player.bundle.js"} <= there
    with zipfile.ZipFile(built.wheel) as wheel:
        packed = {name for name in wheel.namelist() if name.startswith("kvviz/")}
    assert packed == there


def test_the_source_archive_has_what_the_wheel_is_made_of_and_no_more(built):
    with tarfile.open(built.archive) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    packed = {name for name in names if name.startswith("kvviz/")}
    assert packed == files_in(ROOT / "kvviz")
    assert set(BESIDE) <= names
    assert {name.split("/")[0] for name in names if "/" in name} == {"kvviz", "kvviz.egg-info"}


COMMANDS = """
import kvviz
from kvviz.__main__ import main
print(kvviz.__file__)
main(["models"])
main(["trace", "--prompt", "Once upon a time", "--new", "2", "--html", "run.html"])
"""
"""All in one process, since each would import torch anew."""


def test_the_commands_run_in_any_folder(installed):
    told = run(installed.python, "-c", COMMANDS, folder=installed.empty).splitlines()
    assert Path(told[0]).is_relative_to(installed.python.parents[1])
    assert "kvviz/gpt2-mini" in told
    assert "prefill" in "".join(told)
    (page,) = installed.empty.iterdir()
    assert page.name == "run.html"
    assert page.stat().st_size > 10_000


SHOWN_AT = """() => {
  const [drawn] = document.querySelectorAll('[data-kvviz="player"][data-step]');
  return drawn?.dataset.ready && drawn.offsetHeight > 300 ? performance.now() / 1000 : false;
}"""
"""Seconds from when the browser set out for a page, once its picture is drawn."""

AT_ONCE_S = 2.0
"""In so long a first visit sees what a page is about, also of a server that has drawn none."""

TIMES_OF_WARM = 4
"""On a machine too slow for that: against the same page of the same server when all is at hand.
Measured 1.3 to 2.7, on two cores that were at half their usual speed."""


def test_a_cold_server_shows_its_pages_at_once_and_then_what_it_runs_itself(own, visit):
    """Nobody has asked this server anything, and it has no model: what is drawn was recorded."""
    waiter = visit(address=own)
    waiter.page.goto(f"{own}/kv_cache")
    seconds = waiter.page.wait_for_function(SHOWN_AT).json_value()
    tag = waiter.page.locator(".kv-history .kv-tag").first
    expect(tag).to_have_text("recorded")
    # The page keeps the step that a person went to meanwhile, and nothing moves.
    waiter.page.keyboard.press("ArrowRight")
    before = waiter.wait(step=1)
    place = waiter.page.locator(".kv-history-canvas").bounding_box()
    expect(tag).not_to_have_text("recorded", timeout=COLD_MS)
    after = waiter.wait(step=1)
    assert waiter.page.locator(".kv-history-canvas").bounding_box() == place
    assert {**before, "frames": 0} == {**after, "frames": 0}
    if seconds >= AT_ONCE_S:
        # Then it may be the machine: how long does it take over a page that waits for nothing?
        again = visit(address=own)
        again.page.goto(f"{own}/kv_cache")
        assert seconds < TIMES_OF_WARM * again.page.wait_for_function(SHOWN_AT).json_value()


def test_two_come_at_once_by_cold_links(own, visit):
    """One steps through the run with the arrow keys, the other finds the film and the text."""
    reader = visit(address=own)
    reader.page.goto(f"{own}/language_modelling?text=The+dog+saw+the+cat.&point=9")
    tokenizer = Tokenizer.from_file(
        str(ROOT / "kvviz" / "weights" / "gpt2-mini" / "tokenizer.json")
    )
    n_prompt = len(tokenizer.encode(PROMPT).ids)
    tab = visit(address=own).open("/kv_cache", prompt=PROMPT, new=str(N_STEPS))

    prefill = tab.wait(step=0)
    assert prefill["nSteps"] == N_STEPS
    assert (prefill["kind"], prefill["cache"]) == ("prefill", "on")
    assert (prefill["nFed"], prefill["nComputed"], prefill["nReused"]) == (n_prompt, n_prompt, 0)
    for step in range(1, N_STEPS):
        tab.page.keyboard.press("ArrowRight")
        now = tab.wait(step=step)
        assert now["kind"] == "decode"
        assert (now["nFed"], now["nComputed"], now["nReused"]) == (1, 1, n_prompt + step - 1)
    tab.page.keyboard.press("ArrowRight")
    assert tab.hooks()["step"] == N_STEPS - 1

    tab.page.get_by_role("button", name="Without", exact=True).click()
    tab.wait(cache="off")
    for step in reversed(range(N_STEPS)):
        now = tab.wait(step=step)
        assert (now["nFed"], now["nComputed"], now["nReused"]) == (
            n_prompt + step,
            n_prompt + step,
            0,
        )
        tab.page.keyboard.press("ArrowLeft")

    picture = tab.pixels(".kvviz-player canvas.kv-canvas:visible")
    assert picture.std() > 10, "the canvas is blank"

    reader.page.wait_for_selector("[data-kvviz='training-film'][data-point='9']")
    reader.page.wait_for_selector(
        ".st-key-kvviz-card-lm-next [data-kvviz='token-columns'][data-n-tokens='6']"
    )
    expect(reader.page.get_by_role("heading", name="Learning from plain text")).to_be_visible()
    reader.still()


def test_a_person_goes_on_to_every_page(own, visit):
    tab = visit(address=own).open("/kv_cache", new="2")
    tab.wait(nSteps=2)
    assert tab.page.evaluate("getComputedStyle(document.body).fontSize") == "15px"
    heading = tab.page.get_by_role("heading", level=1)
    expect(heading).to_have_count(1)
    for entry in (*PAGES[2:], PAGES[0]):
        left = heading.inner_text()
        tab.page.locator(".st-key-kvviz-nav").get_by_role("link", name=entry.title).click()
        expect(heading).not_to_have_text(left)
        tab.still()
        expect(heading).to_have_count(1)
        assert tab.page.get_by_role("alert").count() == 0
        # A page that loads a model first has an address when there is something to look at.
        name = "" if entry == PAGES[0] else entry.name
        expect(tab.page).to_have_url(re.compile(rf"/{name}(\?|$)"))
    tab.wait(step=0)
