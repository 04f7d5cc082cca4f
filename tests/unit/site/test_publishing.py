"""A site is written whole or not at all; none of this needs a model."""

import errno
import sys
from contextlib import contextmanager

import pytest

from kvviz.__main__ import main
from kvviz.errors import PublishError, RunCancelledError
from kvviz.site.publishing import publish
from kvviz.site.whole_folder import whole_folder


def left_in(folder):
    return sorted(path.name for path in folder.rglob("*"))


def test_a_folder_comes_into_being_at_the_end(tmp_path):
    for there in (False, True):
        target = tmp_path / f"site-{there}"
        if there:
            target.mkdir()
        with whole_folder(target) as temporary:
            (temporary / "index.html").write_text("all of it")
            assert left_in(target) == []
        assert left_in(target) == ["index.html"]
    assert left_in(tmp_path) == ["index.html", "index.html", "site-False", "site-True"]


def full_folder(tmp_path):
    (tmp_path / "site").mkdir()
    for name in "abcd":
        (tmp_path / "site" / name).touch()
    return tmp_path / "site"


def file(tmp_path):
    (tmp_path / "site").touch()
    return tmp_path / "site"


def link(tmp_path):
    (tmp_path / "site").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "site"


def below_a_file(tmp_path):
    return file(tmp_path) / "within"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (full_folder, "is not empty. In it: a, b, c, …. Name a new folder"),
        (file, "is something else. Name a new folder."),
        (link, "is something else. Name a new folder."),
        (below_a_file, "cannot be written to"),
        (lambda tmp_path: tmp_path / "none" / "site", "The system says: No such file"),
    ],
    ids=["a folder with files", "a file", "a link", "below a file", "in no folder"],
)
def test_a_place_that_cannot_be_had_is_one_line_and_exit_code_2(
    place, words, tmp_path, monkeypatch, capsys
):
    # It is said before a model is loaded: what would record with one cannot be imported.
    monkeypatch.setitem(sys.modules, "kvviz.site.recording", None)
    folder = place(tmp_path)
    before = left_in(tmp_path)
    assert main(["publish", str(folder)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("kvviz: ")
    assert said.err.count("\n") == 1
    assert words in said.err
    assert left_in(tmp_path) == before


def test_a_language_without_words_is_refused_with_those_that_there_are(tmp_path, capsys):
    assert main(["publish", str(tmp_path / "site"), "--lang", "tlh"]) == 2
    assert "Found tlh; there are en" in capsys.readouterr().err
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("breaks", "raised"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), PublishError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (RunCancelledError("Cancelled."), RunCancelledError),
    ],
    ids=["disk full", "Ctrl-C", "cancelled"],
)
def test_nothing_is_left_of_what_was_broken_off(breaks, raised, tmp_path):
    def half():
        with whole_folder(tmp_path / "site") as temporary:
            (temporary / "index.html").write_text("half of it")
            raise breaks

    with pytest.raises(raised) as caught:
        half()
    assert left_in(tmp_path) == []
    if raised is PublishError:
        assert "The system says: No space left on device." in str(caught.value)


def test_ctrl_c_before_a_step_ends_the_command(tmp_path, monkeypatch, capsys):
    @contextmanager
    def pressed_at_once():
        yield lambda: True

    monkeypatch.setattr("kvviz.commands.publish.asked_to_end", pressed_at_once)
    assert main(["publish", str(tmp_path / "site")]) == 130
    assert capsys.readouterr().err == "Cancelled: nothing was written.\n"
    assert left_in(tmp_path) == []


def test_who_comes_first_to_a_place_keeps_it(tmp_path):
    target = tmp_path / "site"

    def late():
        with whole_folder(target) as temporary:
            (temporary / "index.html").touch()
            target.mkdir()
            (target / "of another").touch()

    with pytest.raises(PublishError, match="not empty"):
        late()
    assert left_in(target) == ["of another"]
    assert left_in(tmp_path) == ["of another", "site"]


def test_publish_says_what_it_raises(tmp_path):
    with pytest.raises(RunCancelledError):
        publish(tmp_path / "site", cancelled=lambda: True)
