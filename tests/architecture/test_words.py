"""Every sentence that a person reads is marked for translation, and the catalogues hold it."""

import tomllib
from pathlib import Path

import pytest

from words.catalogues import ROOT, extracted, generated, stale
from words.extract_toml import FIELDS
from words.sentences import has_words, looks_like_a_sentence
from words.unmarked import marked, sources, unmarked


def test_no_sentence_is_unmarked():
    found = [one for path in sources() for one in unmarked(path)]
    assert not found, "\n".join(f"{one.path}:{one.line}: {one.why}: {one.text!r}" for one in found)


@pytest.fixture(scope="module")
def template():
    return extracted()


def test_the_catalogues_hold_what_the_sources_say(template):
    names = [path.relative_to(ROOT).as_posix() for path in stale(generated(template))]
    assert names == [], "make words"


def test_babel_finds_every_message_that_is_marked(template):
    keys = {
        text
        for message in template
        for text in (message.id if isinstance(message.id, tuple) else (message.id,))
    }
    lost = {str(path): marked(path) - keys for path in sources()}
    assert {path: texts for path, texts in lost.items() if texts} == {}


def found_in(tmp_path: Path, source: str) -> list[str]:
    path = tmp_path / "source.py"
    path.write_text(source, encoding="utf-8")
    return [one.text for one in unmarked(path)]


@pytest.mark.parametrize(
    "source",
    [
        'st.button("Run")',
        "st.html(f\"<p class='a b'>{x}</p><b>Right</b>\")",
        "st.html('<p aria-label=\"Close it\">×</p>')",
        'TraceError(_("Wrong"), found=f"{n} axes")',
        'lines.append(f"{n:,} rows in {m} layers")',
        'words = {"rows computed": 1}',
        'st.selectbox(_("Model"), names, help="Which one")',
        'note = "By formula." if formula else ""',
        '_(f"{n} rows")',
        '_("{n} rows".format(n=n))',
        '_("a " + name)',
        '_("{text} is read").format(text="not this one")',
    ],
)
def test_a_sentence_is_found(tmp_path, source):
    assert len(found_in(tmp_path, source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        '_("Run it"); ngettext("{n} row", "{n} rows", n); pgettext("verb", "Close it")',
        'LABEL = N_("Left out")',
        'st.button(_("Run"), key="speed:run now", icon=":material/download:")',
        '"""A docstring of a module."""',
        'def f(x: "a b" = 1) -> "an int":\n    """Say something."""',
        'raise ValueError("for developers only")',
        'log.warning("The model %s could not be loaded", name)',
        'found = kind == "not this"; table["two words"]',
        'st.html(f\'<span data-kvviz="a b" data-n="{n}"></span>\')',
        'css = "body { margin: 0 auto; color: red; }"',
        'classes = "kvviz-body kvviz-wide"',
        'name = "kvviz/gpt2-mini"; place = "bottom-left"; unit = f"{n:.2f} ms"',
        'corpus = "light king showed"  # not for people: words for a model',
        '# not for people: a font\nfont = call(\n    "Source Sans",\n)',
    ],
)
def test_what_no_person_reads_is_left_alone(tmp_path, source):
    assert found_in(tmp_path, source) == []


def test_an_escape_needs_its_reason(tmp_path):
    assert found_in(tmp_path, 'a = "two words"  # not for people:') == ["two words"]


def test_words_are_told_from_units_and_names():
    assert has_words("layer")
    assert has_words("{n} rows")
    assert looks_like_a_sentence("Right.")
    assert not has_words("%{y:.4s} B")
    assert not looks_like_a_sentence("kvviz-key-item is-\x00")


def test_what_is_said_of_a_fact_in_a_table_is_a_message(template):
    facts = tomllib.loads((ROOT / "kvviz" / "lessons" / "models.toml").read_text(encoding="utf-8"))
    said = {row[name] for row in facts["model"] for name in FIELDS if name in row}
    assert len(said) > 10
    assert said <= {message.id for message in template}
