import base64
import gzip
import hashlib
import html
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from kvviz.analysis import HeadRole
from kvviz.errors import PayloadError
from kvviz.player import document, export_html, html_document, notebook_html, pack
from kvviz.player.lives import STATES, lives
from kvviz.trace.storage import open_trace
from kvviz.translation import pseudo, using
from tests.factories import make_card, make_comparison, make_dropping, make_packed, make_trace
from tests.payload_reader import CONTRACT, unpack

TRACE = make_trace(n_prompt=9)
BUNDLE = """// built
const a=1;function b(root,bytes){root.append(bytes.length)}export{a as default,b as mountPlayer};
"""


class Page(HTMLParser):
    """What a browser makes of the document's elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self.attributes: dict[str, list[dict[str, str | None]]] = {}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self._open = tag
        self.texts.setdefault(tag, []).append("")
        self.attributes.setdefault(tag, []).append(dict(attrs))

    def handle_endtag(self, tag):
        self._open = ""

    def handle_data(self, data):
        if self._open:
            self.texts[self._open][-1] += data


@pytest.fixture
def stub(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "player"
    folder.mkdir()
    (folder / "player.bundle.js").write_text(BUNDLE, encoding="utf-8")
    (folder / "player.css").write_text(".kvviz-player { color: red }", encoding="utf-8")
    monkeypatch.setattr(document, "PLAYER_FILES", folder)
    return folder


def policy_of(page: Page) -> str:
    (policy,) = [
        meta["content"]
        for meta in page.attributes["meta"]
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    return policy or ""


@pytest.mark.usefixtures("stub")
def test_the_buffer_in_the_document_is_the_player_s():
    page = Page(html_document(TRACE, layer=1, head=1, step=2))
    packed = base64.b64decode(page.texts["script"][0])
    assert gzip.decompress(packed) == pack(TRACE, layer=1, head=1, step=2)


@pytest.mark.usefixtures("stub")
def test_a_comparison_is_carried_whole():
    page = Page(html_document(make_comparison(), cache="off"))
    header, _ = unpack(gzip.decompress(base64.b64decode(page.texts["script"][0])))
    assert len(header["runs"]) == 2
    assert header["view"]["cache"] == "off"


@pytest.mark.usefixtures("stub")
def test_the_head_of_the_clearest_role_is_in_view_unless_another_is_asked_for():
    roles = [HeadRole(0, 1, "first-token", 0.5), HeadRole(1, 0, "induction", 0.9)]

    def view(**asked):
        page = Page(html_document(TRACE, roles=roles, **asked))
        header, _ = unpack(gzip.decompress(base64.b64decode(page.texts["script"][0])))
        assert header["roles"] == [vars(role) for role in roles]
        return header["view"]["layer"], header["view"]["head"]

    assert view() == (1, 0)
    assert view(layer=0) == (0, 1)
    assert view(layer=0, head=0) == (0, 0)
    assert view(head=1) == (1, 1)
    roles.clear()
    assert view() == (0, 0)


@pytest.mark.usefixtures("stub")
def test_the_document_allows_itself_its_own_script_and_nothing_else():
    page = Page(html_document(TRACE))
    digest = hashlib.sha256(page.texts["script"][1].encode()).digest()
    rules = dict(rule.strip().split(" ", 1) for rule in policy_of(page).split(";"))
    assert rules == {
        "default-src": "'none'",
        "script-src": f"'sha256-{base64.b64encode(digest).decode()}'",
        "style-src": "'unsafe-inline'",
        "img-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


@pytest.mark.usefixtures("stub")
def test_nothing_in_the_document_names_another_place():
    text = html_document(TRACE)
    assert not re.search(r"(src|href|url)\s*[=(]|https?://|@import", text.replace("srcdoc", ""))


@pytest.mark.parametrize(
    "prompt", ["</title><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&lt;b&gt;"]
)
@pytest.mark.usefixtures("stub")
def test_a_prompt_stays_text(prompt):
    text = html_document(make_trace(prompt=prompt))
    page = Page(text)
    assert page.texts["title"] == page.texts["h1"] == [f"tests/random: {prompt}"]
    assert len(page.texts["script"]) == 2
    assert "img" not in page.texts


@pytest.mark.usefixtures("stub")
def test_a_title_of_one_s_own_stays_text_too():
    assert Page(html_document(TRACE, title="a </h1> b")).texts["title"] == ["a </h1> b"]


@pytest.mark.usefixtures("stub")
def test_a_long_prompt_is_cut_in_the_title():
    title = Page(html_document(make_trace(prompt="word\n" * 500))).texts["title"][0]
    assert len(title) < 120
    assert title.endswith("…")
    assert "\n" not in title


@pytest.mark.usefixtures("stub")
def test_the_sentinels_that_an_encoder_read_are_blanks_in_the_title():
    card = make_card(2, 2, 4, family="t5")
    trace = make_trace(1, 4, card=card, n_encoder=6, prompt="A<extra_id_0> in a<extra_id_1>.")
    assert Page(html_document(trace)).texts["title"] == ["tests/random: A ___ in a ___."]


@pytest.mark.parametrize("text", ["</script>", "</SCRIPT >", "<!-- <script>"])
def test_a_bundle_cannot_end_its_element(stub, text):
    (stub / "player.bundle.js").write_text(f"const t = `{text}`;" + BUNDLE, encoding="utf-8")
    page = Page(html_document(TRACE))
    script = page.texts["script"][1]
    assert len(page.texts["script"]) == 2
    assert "MOUNT" not in script
    assert "\nb(" not in script
    assert "b(kvvizRoot" in script
    assert not re.search(r"</script|<!--", script, re.IGNORECASE)
    assert script.replace("<\\/", "</").replace("<\\!", "<!").startswith(f"const t = `{text}`;")


def test_styles_cannot_end_their_element(stub):
    (stub / "player.css").write_text("a::after { content: '</STYLE>' }", encoding="utf-8")
    with pytest.raises(PayloadError, match="styles"):
        html_document(TRACE)


@pytest.mark.parametrize("name", ["player.css", "player.bundle.js"])
def test_a_missing_file_of_the_player_is_named(stub, name):
    (stub / name).unlink()
    with pytest.raises(PayloadError, match=rf"no kvviz/player/{name}.*npm run build"):
        html_document(TRACE)


@pytest.mark.parametrize(
    "bundle", ["", "function mountPlayer(){}", "export{a as default};", "export{x as mountplayer};"]
)
def test_a_bundle_without_the_player_is_refused(stub, bundle):
    (stub / "player.bundle.js").write_text(bundle, encoding="utf-8")
    with pytest.raises(PayloadError, match="does not export mountPlayer"):
        html_document(TRACE)


@pytest.mark.parametrize(
    ("clause", "local"),
    [
        ("mountPlayer", "mountPlayer"),
        ("a as default, q as mountPlayer,", "q"),
        (" z\n as\tmountPlayer ", "z"),
    ],
)
def test_every_way_of_writing_the_export_is_understood(stub, clause, local):
    (stub / "player.bundle.js").write_text(f"let x;export {{{clause}}};\n", encoding="utf-8")
    script = Page(html_document(TRACE)).texts["script"][1]
    assert f"{local}(kvvizRoot" in script
    assert "export" not in script


def test_the_real_player_is_inside():
    page = Page(html_document(TRACE))
    assert ".kvviz-player" in page.texts["style"][0]
    assert len(page.texts["script"][1]) > 10_000
    assert re.search(r"\w+\(kvvizRoot", page.texts["script"][1])


@pytest.mark.usefixtures("stub")
def test_the_same_run_gives_the_same_document():
    assert html_document(TRACE) == html_document(TRACE)


@pytest.mark.usefixtures("stub")
def test_export_writes_the_document_as_utf_8(tmp_path):
    trace = make_trace(prompt="猫 🙂")
    path = tmp_path / "run.html"
    path.write_text("old")
    export_html(trace, path, title="猫")
    assert path.read_bytes().decode("utf-8") == html_document(trace, title="猫")
    assert '<meta charset="utf-8">' in path.read_text(encoding="utf-8")[:200]
    assert {file.name for file in tmp_path.iterdir()} == {"run.html", "player"}


@pytest.mark.usefixtures("stub")
@pytest.mark.parametrize("place", ["missing/run.html", "player"])
def test_a_place_that_cannot_be_written_to_is_named(tmp_path, place):
    with pytest.raises(PayloadError) as caught:
        export_html(TRACE, tmp_path / place)
    assert f"could not be written to {tmp_path / place}." in str(caught.value)
    assert {file.name for file in tmp_path.iterdir()} == {"player"}


@pytest.mark.usefixtures("stub")
def test_a_document_carries_more_layers_than_a_message_would(monkeypatch):
    assert CONTRACT["max_bytes_all_layers"] < document.MAX_LAYER_BYTES
    for limit, n_layers in ((document.MAX_LAYER_BYTES, 2), (10, 1)):
        monkeypatch.setattr(document, "MAX_LAYER_BYTES", limit)
        page = Page(html_document(TRACE))
        header, _ = unpack(gzip.decompress(base64.b64decode(page.texts["script"][0])))
        assert len(header["layers"]) == n_layers


@pytest.mark.usefixtures("stub")
def test_a_notebook_shows_the_document_in_a_frame_that_can_reach_nothing():
    frame = Page(notebook_html(TRACE)).attributes["iframe"][0]
    assert frame["srcdoc"] == html_document(TRACE)
    assert frame["sandbox"] == "allow-scripts allow-downloads"
    assert html.escape(frame["title"] or "") == "kvviz player"


@pytest.mark.parametrize(
    ("run", "state"),
    [(make_dropping(), "evicted"), (make_packed(), "packed")],
    ids=["evicted", "packed"],
)
@pytest.mark.usefixtures("stub")
def test_a_saved_run_a_document_and_a_notebook_tell_rows_that_are_gone_or_packed(run, state):
    file = io.BytesIO()
    run.save(file)
    file.seek(0)
    opened = open_trace(file)
    frame = Page(notebook_html(opened)).attributes["iframe"][0]
    assert frame["srcdoc"] == html_document(run)
    packed = Page(frame["srcdoc"] or "").texts["script"][0]
    _, arrays = unpack(gzip.decompress(base64.b64decode(packed)))
    told = dict(lives("on", run, len(run.steps)))
    np.testing.assert_array_equal(arrays["on.lives"], told["on.lives"])
    np.testing.assert_array_equal(arrays["on.life_of"], told["on.life_of"])
    assert (arrays["on.lives"][:, 2] == STATES.index(state)).any()


@pytest.mark.usefixtures("stub")
def test_the_document_s_own_words_are_in_the_language_it_is_made_in():
    with using("en-XA"):
        text = html_document(TRACE)
    page = Page(text)
    assert page.attributes["html"][0]["lang"] == "en-XA"
    assert page.texts["noscript"] == [pseudo("The player needs JavaScript.")]
    assert json.dumps(pseudo("This run cannot be drawn here: {reason}")) in page.texts["script"][1]


@pytest.mark.usefixtures("stub")
def test_a_trace_draws_itself_in_a_notebook():
    assert TRACE._repr_html_() == notebook_html(TRACE)
