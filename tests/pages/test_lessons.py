import shutil

import pytest

from kvviz.lessons import lesson_files, lessons
from kvviz.lessons.lesson_files import LessonError
from kvviz.ui.pages.kv_cache.settings import parse
from kvviz.ui.parts.view import VIEW_FIELDS
from kvviz.ui.shell.page_list import page_named
from kvviz.ui.work.run_settings import run_fields


def test_every_lesson_can_be_read():
    words = lessons()
    assert len(words.prompts) >= 4
    assert len(words.terms) >= 8
    assert words.caption("not-zero").source
    assert words.question("edited-token").source


def test_every_glossary_entry_has_a_source():
    assert all(len(term.source) > 10 for term in lessons().terms)


OF_CACHES = {
    "full": "KV cache",
    "recomputed": "KV cache",
    "window": "window with sinks",
    "heavy-hitters": "heavy hitters (H2O)",
    "least-attended": "least attended (TOVA)",
    "observed": "SnapKV",
    "random": "control (rows drawn by lot)",
    "quantised": "packed row (KIVI)",
    "low-rank": "latent row, rank",
    "latent": "latent row, rank",
    "paged": "paged cache (blocks, block table)",
}
"""The word of the glossary for every way of keeping rows."""


def test_every_way_of_keeping_rows_has_a_term_and_a_source():
    from kvviz import caches

    assert {*OF_CACHES} == {*caches.ALL}
    sources = {term.word: term.source for term in lessons().terms}
    for name, word in OF_CACHES.items():
        assert len(sources[word]) > 10, name
    for others in ("shared beginning (prefix)", "beam", "speculation, row taken back"):
        assert others in sources


def test_every_door_leads_to_a_page_with_a_link_it_understands():
    from urllib.parse import parse_qsl

    for entry in lessons().page_guide:
        assert page_named(entry.page) is not None
        parameters = dict(parse_qsl(entry.query, strict_parsing=bool(entry.query)))
        assert set(parameters) <= {*run_fields().readers, *VIEW_FIELDS.readers}
        assert parse(parameters)[2] == ()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("not toml", "cannot be read"),
        ('[[entry]]\nword = "x"\nmeaning = "y"\n', "Missing: ['source']"),
        ('[[entry]]\nword = "x"\nmeaning = " "\nsource = "z"\n', "empty: ['meaning']"),
        ('[[entry]]\nword = "x"\nmeaning = "y"\nsource = "z"\ncolour = "c"\n', "['colour']"),
        ('[[entry]]\nword = "x"\nmeaning = "y"\nsource = "z"\n' * 2, "same name"),
    ],
)
def test_a_gap_in_a_file_is_found_by_name(tmp_path, monkeypatch, damage, words):
    shutil.copytree(lesson_files.HERE / "en", tmp_path / "en")
    (tmp_path / "en" / "glossary.toml").write_text(damage)
    monkeypatch.setattr(lesson_files, "HERE", tmp_path)
    with pytest.raises(LessonError) as caught:
        lesson_files._lessons.__wrapped__("en")
    assert "glossary.toml" in str(caught.value)
    assert words in str(caught.value)


def test_what_is_not_there_is_named_with_what_is():
    with pytest.raises(LessonError, match="'no-such'"):
        lessons().caption("no-such")
