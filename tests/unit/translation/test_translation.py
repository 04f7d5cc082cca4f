import string
from threading import Thread

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from kvviz import translation
from kvviz.lessons import lessons
from kvviz.serving import workers
from kvviz.translation import (
    catalogues,
    front_end,
    front_end_catalogue,
    language,
    ngettext,
    present_language,
    using,
)
from kvviz.translation import gettext as _
from words.catalogues import LOCALE, generated, stale, write

POLISH = {
    "It has {kind}.": "Ma {kind}.",
    ("{n:,} token", "{n:,} tokens"): ("{n:,} token", "{n:,} tokeny", "{n:,} tokenów"),
}


@pytest.fixture
def polish(tmp_path, monkeypatch):
    """A language with three plural forms, its catalogue compiled as `make words` compiles one."""
    template = Catalog()
    for key in POLISH:
        template.add(key, locations=[("kvviz/a.js", 1), ("kvviz/a.py", 1)])
    template.add("Not translated", locations=[("kvviz/a.js", 2)])
    folder = tmp_path / "pl" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    written = Catalog(locale="pl", domain="kvviz")
    for key, text in POLISH.items():
        written.add(key, text)
    with (folder / "kvviz.po").open("wb") as file:
        write_po(file, written)
    write(generated(template, tmp_path))
    for place in (present_language, catalogues):
        monkeypatch.setattr(place, "LOCALE", tmp_path)
    monkeypatch.setattr(front_end, "FRONT_END", tmp_path / "front_end.json")
    yield "pl"
    catalogues.catalogue.cache_clear()
    front_end._entry.cache_clear()


def tokens(n):
    return ngettext("{n:,} token", "{n:,} tokens", n).format(n=n)


def test_english_is_the_key_and_costs_a_payload_nothing():
    assert language() == "en"
    assert _("It has {kind}.").format(kind="two") == "It has two."
    assert [tokens(n) for n in (0, 1, 2, 1000)] == [
        "0 tokens",
        "1 token",
        "2 tokens",
        "1,000 tokens",
    ]
    assert front_end_catalogue() == {}


def test_the_empty_text_is_no_key(polish):
    with using(polish):
        assert _("") == ""


def test_a_compiled_language_has_its_words_and_plural_forms(polish):
    assert translation.languages() == ("en", "pl")
    with using(polish):
        assert _("It has {kind}.").format(kind="dwa") == "Ma dwa."
        assert [tokens(n) for n in (1, 3, 5, 22)] == [
            "1 token", "3 tokeny", "5 tokenów", "22 tokeny",
        ]  # fmt: skip
        assert _("Not translated") == "Not translated"
    assert tokens(3) == "3 tokens"


def test_the_front_end_gets_the_messages_and_a_table_of_forms(polish):
    with using(polish):
        entry = front_end_catalogue()["translation"]
    assert entry["language"] == "pl"
    assert [entry["forms"][n] for n in (0, 1, 2, 5, 12, 22, 112, 122, 101)] == list("201221212")
    assert entry["messages"] == {
        "It has {kind}.": "Ma {kind}.",
        "{n:,} token": ["{n:,} token", "{n:,} tokeny", "{n:,} tokenów"],
        "Not translated": "Not translated",
    }


def test_what_is_compiled_is_fresh_until_a_message_changes(polish, tmp_path):
    with (tmp_path / "pl" / "LC_MESSAGES" / "kvviz.po").open("rb") as file:
        template = read_po(file)
    for message in template:
        message.locations = [("kvviz/a.js", 1)]
    files = generated(template, tmp_path)
    write(files)
    assert stale(generated(template, tmp_path)) == []
    template.add("One more")
    assert {path.name for path in stale(generated(template, tmp_path))} == {"kvviz.po"}


def test_a_language_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(LookupError, match="no catalogue of 'tlh'; there are en"), using("tlh"):
        pass


def test_the_pseudo_language_is_offered_to_tests_alone(monkeypatch):
    monkeypatch.delenv("KVVIZ_PSEUDO", raising=False)
    assert "en-XA" not in translation.languages()
    monkeypatch.setenv("KVVIZ_PSEUDO", "1")
    assert translation.languages()[-1] == "en-XA"


def test_a_thread_for_somebody_speaks_their_language_and_others_do_not():
    heard = {}
    with using("en-XA"):
        workers.start(lambda: heard.update(worker=language()), "test").join()
        plain = Thread(target=lambda: heard.update(plain=language()))
        plain.start()
        plain.join()
    assert heard == {"worker": "en-XA", "plain": "en"}


def test_where_a_context_names_no_language_who_knows_is_asked_once(monkeypatch):
    asked = []

    def knows():
        asked.append(True)
        return "en-XA"

    monkeypatch.setattr("kvviz.translation.present_language._followed", [knows])
    heard = []
    thread = Thread(target=lambda: heard.extend([language(), language()]))
    thread.start()
    thread.join()
    assert heard == ["en-XA", "en-XA"]
    assert asked == [True]


def test_lessons_of_the_pseudo_language_are_made_of_the_english_ones():
    english = lessons("en")
    with using("en-XA"):
        pseudo = lessons()
    assert pseudo.captions.keys() == english.captions.keys()
    assert pseudo.caption("kv-cache").text.startswith("⟦")
    assert [prompt.text for prompt in pseudo.prompts] == [prompt.text for prompt in english.prompts]
    assert pseudo.gaps == english.gaps
    assert [entry.page for entry in pseudo.page_guide] == [e.page for e in english.page_guide]
    for name, question in english.questions.items():
        assert filled(pseudo.question(name).told) == filled(question.told)


def test_every_language_has_lessons():
    for name in translation.languages():
        assert lessons(name).prompts


def test_a_translation_fills_in_what_the_english_fills_in():
    for path in LOCALE.glob("*/LC_MESSAGES/kvviz.po"):
        with path.open("rb") as file:
            messages = [message for message in read_po(file) if message.id]
        for message in messages:
            keys = message.id if isinstance(message.id, tuple) else (message.id,)
            texts = message.string if isinstance(message.string, tuple) else (message.string,)
            wanted = filled(keys[-1])
            assert all(not text or filled(text) <= wanted for text in texts), message.id


def filled(text):
    return {name for _text, name, _spec, _how in string.Formatter().parse(text) if name}
