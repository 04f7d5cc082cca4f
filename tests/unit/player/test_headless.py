"""What is made of what a browser without a window says: here a script says it in its place."""

import base64
import sys

import pytest

from kvviz.errors import BrowserError, OptionsError, PayloadError
from kvviz.player import headless
from kvviz.player.headless import save_pictures
from tests.factories import make_trace

TRACE = make_trace(n_new=4)
SVG, GIF = b"<svg/>", b"GIF89a of a kind"


def element(name, text):
    return f'<pre hidden="" data-kvviz="{name}">{text}</pre>'


def saved(name, content):
    return element(name, f"data:x;base64,{base64.b64encode(content).decode()}")


@pytest.fixture
def browser(tmp_path, monkeypatch):
    """A program in place of the browser, which does what a line of Python says."""

    def make(*lines):
        path = tmp_path / "browser"
        path.write_text(f"#!{sys.executable}\nimport sys, time\n" + "\n".join(lines))
        path.chmod(0o755)
        monkeypatch.setenv("KVVIZ_CHROMIUM", str(path))
        return path

    return make


def test_both_pictures_are_written_and_the_frames_are_told(browser, tmp_path):
    browser(
        "open(sys.argv[0] + '.asked', 'w').write(sys.argv[-1])",
        "print('[1:INFO:CONSOLE:3] \"kvviz 1 2\", source', file=sys.stderr)",
        "print('a word of its own', file=sys.stderr)",
        "print('[1:INFO:CONSOLE:3] \"kvviz 2 2\", source', file=sys.stderr)",
        f"print({'<p>' + saved('saved-svg', SVG) + saved('saved-gif', GIF)!r})",
    )
    told = []
    svg, gif = tmp_path / "a.svg", tmp_path / "a.gif"
    gif.write_bytes(b"an older one")
    save_pictures(TRACE, svg=svg, gif=gif, steps=(1, None), told=lambda *n: told.append(n))
    assert (svg.read_bytes(), gif.read_bytes()) == (SVG, GIF)
    assert told == [(1, 2), (2, 2)]
    asked = (tmp_path / "browser.asked").read_text()
    assert asked.startswith("file://")
    assert asked.endswith("run.html#save=svg%2Cgif&from=1&to=3")


def test_what_the_page_refuses_is_said_and_nothing_is_written(browser, tmp_path):
    browser(f"print({element('refused', '9 frames &amp; more are too many.')!r})")
    with pytest.raises(OptionsError, match="9 frames & more are too many"):
        save_pictures(TRACE, gif=tmp_path / "a.gif")
    assert not (tmp_path / "a.gif").exists()


def test_a_browser_that_draws_nothing_is_named_with_what_it_said_last(browser, tmp_path):
    path = browser("print('no display', file=sys.stderr)", f"print({saved('saved-svg', SVG)!r})")
    with pytest.raises(BrowserError) as caught:
        save_pictures(TRACE, svg=tmp_path / "a.svg", gif=tmp_path / "a.gif")
    assert f"{path} gave no GIF, and said last: no display" in str(caught.value)
    assert "KVVIZ_CHROMIUM" in caught.value.fix
    assert not (tmp_path / "a.svg").exists()


def test_a_browser_that_hangs_is_ended(browser, tmp_path, monkeypatch):
    browser("time.sleep(60)")
    monkeypatch.setattr(headless, "PATIENCE_S", 0.3)
    with pytest.raises(BrowserError):
        save_pictures(TRACE, svg=tmp_path / "a.svg")


def test_interrupted_it_leaves_no_half_file_and_no_browser(browser, tmp_path):
    browser("print('CONSOLE \"kvviz 1 2\"', file=sys.stderr, flush=True)", "time.sleep(60)")

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_pictures(TRACE, gif=tmp_path / "a.gif", told=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["browser"]


@pytest.mark.parametrize("steps", [(0, 4), (3, 2), (9, None)])
def test_steps_that_the_run_has_not_are_refused_before_a_browser_is_started(steps, tmp_path):
    with pytest.raises(OptionsError, match="it has 0 to 3"):
        save_pictures(TRACE, svg=tmp_path / "a.svg", steps=steps)


def test_a_folder_that_is_not_there_is_said(browser, tmp_path):
    browser(f"print({saved('saved-svg', SVG)!r})")
    with pytest.raises(PayloadError, match="could not be written"):
        save_pictures(TRACE, svg=tmp_path / "nowhere" / "a.svg")
