"""The app as it is open to others: each cap's sentence on its page, and nothing typed is lost."""

import io
from types import SimpleNamespace

import pytest

from kvviz.errors import LimitError, ModelNotFoundError
from kvviz.player.head_origin import OriginAsked
from kvviz.ui.parts import saving
from kvviz.ui.work import added_models, admission, preload, row_origins, shipped_runs
from kvviz.ui.work.admission import RunRate
from kvviz.ui.work.model_store import ModelStore
from kvviz.ui.work.run_settings import RunSettings
from tests.pages.conftest import Drawn, as_read, opened_by_link

TEXT = "Lily saw a dog. The dog was big and it had a red ball in its mouth, and she"
FOLDER = "/srv/models/mine"
LONG = {
    "kv_cache": ({"prompt": TEXT}, "kv:prompt"),
    "encoder_decoder": ({"prompt": TEXT}, "ed:text"),
    "language_modelling": ({"text": TEXT}, "lm:text"),
    "bert_vs_gpt2": ({"text": TEXT}, "bg:text"),
    "cache_lab": ({"text": TEXT, "do": "beams"}, "lab:text"),
}


@pytest.fixture(autouse=True)
def runs_of_this_test(monkeypatch):
    """Nobody has run anything yet, and no model is loaded meanwhile."""
    monkeypatch.setattr(preload, "begin", lambda: None)
    monkeypatch.setattr(admission, "run_rate", RunRate())


class Opened(Drawn):
    """A page that a link leads to."""

    def __init__(self, page, parameters):
        self.app = opened_by_link(page, parameters)

    @property
    def said(self):
        """Return all that errors say."""
        return "\n".join(as_read(error) for error in self.errors)

    def typed(self, key):
        return self.app.text_area(key=key).value


@pytest.mark.parametrize("page", LONG)
def test_a_text_over_the_cap_is_refused_in_a_sentence_and_stays_in_its_field(page, monkeypatch):
    monkeypatch.setenv("KVVIZ_MODE", "classroom")
    monkeypatch.setenv("KVVIZ_MAX_PROMPT", "20")
    link, field = LONG[page]
    opened = Opened(page, link)
    if "ask:" in "".join(button.key or "" for button in opened.app.button):
        # What is predicted first begins its work with the answer.
        for button in [one for one in opened.app.button if (one.key or "").endswith(":show")][:1]:
            button.click().run()
    assert "A text here may have 20 characters." in opened.said
    assert f"It has {len(TEXT)}." in opened.said
    assert opened.typed(field) == TEXT


def test_a_race_counts_the_tokens_of_its_whole_batch(monkeypatch):
    monkeypatch.setenv("KVVIZ_MODE", "public")
    opened = Opened("speed_and_memory", {"batch": "2", "new": "96"})
    opened.app.button(key="speed:start").click().run()
    assert "A run here generates 1 to 128 new tokens." in opened.said
    assert "Asked for 192." in opened.said
    assert opened.app.number_input(key="speed:batch").value == 2


def test_the_run_after_the_last_one_waits_and_a_shared_result_costs_none(model, monkeypatch):
    monkeypatch.setenv("KVVIZ_MODE", "classroom")
    monkeypatch.setenv("KVVIZ_MAX_RUNS", "1")
    link = {"prompt": "The cat", "new": "2"}
    first = Opened("kv_cache", link)
    page = first.app.session_state["kv_cache_page"]
    if page.job is not None:
        page.job.wait(60)
        first.app.run()
    assert first.errors == []
    first.app.text_area(key="kv:prompt").set_value(TEXT)
    first.app.button(key="kv:run").click().run()
    assert "A visitor here starts 1 run within a minute." in first.said
    assert "seconds; what you typed is kept." in first.said
    assert first.typed("kv:prompt") == TEXT
    assert page.shown.settings.prompt == "The cat"
    # The very run that was made is there for whoever asks next.
    assert Opened("kv_cache", link).errors == []


def test_what_the_lab_has_computed_for_anybody_is_no_run_of_who_asks_next(model, monkeypatch):
    link = {"do": "share", "text": TEXT, "other": f"{TEXT} ran", "new": "2"}
    answer = "ask:share-a-beginning:1"
    Opened("cache_lab", link).app.button(key=answer).click().run()
    monkeypatch.setattr(admission.run_rate, "begin", lambda visitor, mode: _refuse())
    second = Opened("cache_lab", link)
    second.app.button(key=answer).click().run()
    assert second.errors == []
    assert 'data-kvviz="verdict"' in second.html
    other = Opened("cache_lab", {**link, "new": "3"})
    assert "Wait a moment." in other.said


def test_what_an_experiment_works_on_is_refused_in_its_place_and_can_be_tried_again(monkeypatch):
    monkeypatch.setenv("KVVIZ_MODE", "public")
    monkeypatch.setattr(admission.run_rate, "begin", lambda visitor, mode: _refuse())
    opened = Opened("bert_vs_gpt2", {"text": TEXT})
    assert "Wait a moment." in opened.said
    again = [one for one in opened.app.button if one.label == "Try again"]
    assert again
    assert opened.typed("bg:text") == TEXT
    again[0].click().run()
    assert "Wait a moment." in opened.said


def _refuse():
    raise LimitError("Wait a moment.")


@pytest.mark.parametrize(
    ("page", "parameter", "key"),
    [
        ("kv_cache", "model", "kv:model"),
        ("encoder_decoder", "model", "ed:model"),
        ("language_modelling", "bert", "lm:bert"),
        ("cache_lab", "model", "lab:model"),
    ],
)
def test_a_link_names_no_folder_and_the_list_offers_what_is_listed(
    page, parameter, key, monkeypatch
):
    monkeypatch.setenv("KVVIZ_MODE", "public")
    monkeypatch.setenv("KVVIZ_MODELS", "bundled,org/listed")
    # What is there besides is begun by the page itself, and is not what is looked at.
    monkeypatch.setattr(admission.run_rate, "begin", lambda visitor, mode: _refuse())
    opened = Opened(page, {parameter: FOLDER})
    assert f"asks for the model {FOLDER}, which this app does not offer" in "".join(opened.notes)
    listed = opened.app.selectbox(key=key)
    assert listed.value.startswith("kvviz/")
    assert "listed" in listed.options
    assert not [one for one in listed.options if "another" in one]
    assert f"{key}:other" not in [one.key for one in opened.app.text_input]


def test_whoever_asks_by_whatever_way_no_model_is_loaded_that_is_not_listed(monkeypatch):
    monkeypatch.setenv("KVVIZ_MODE", "classroom")
    with pytest.raises(ModelNotFoundError, match="does not load that model"):
        ModelStore().get(RunSettings(model="gpt2"))


def test_a_visitor_fetches_no_model(monkeypatch):
    monkeypatch.setattr(added_models.runs, "is_local_visitor", lambda: True)
    assert added_models.addable_models()
    monkeypatch.setenv("KVVIZ_MODE", "classroom")
    assert added_models.addable_models() == {}
    job = added_models.add(next(iter(added_models.CATALOGUE.values())))
    assert job.wait()
    assert "Visitors of this app fetch no models." in str(job.error)


def test_a_saved_run_is_opened_as_often_and_as_large_as_the_mode_allows(monkeypatch):
    monkeypatch.setenv("KVVIZ_MODE", "public")
    monkeypatch.setenv("KVVIZ_MAX_RUNS", "1")
    asked = []

    def opened(upload, *, max_bytes, kind):
        asked.append(max_bytes)
        raise LimitError("Read.")

    monkeypatch.setattr(saving, "open_trace", opened)
    file = io.BytesIO()
    file.file_id = "1"
    errors = []
    for _time in range(2):
        state = SimpleNamespace(give_up_job=lambda: None, error=None, upload=None)
        saving.open_upload(state, file, "gpt2")
        errors.append(state.error.what)
    assert asked == [32 * 10**6]
    assert errors == ["Read.", "A visitor here starts 1 run within a minute."]


def test_what_a_row_was_made_of_is_asked_as_any_run_is(monkeypatch):
    monkeypatch.setenv("KVVIZ_MODE", "public")
    monkeypatch.setenv("KVVIZ_MAX_PROMPT", "5")
    shown = shipped_runs.shipped_run(shipped_runs.GPT2)
    said = row_origins.answer(shown, OriginAsked(0, 0, False, "on"))
    assert "A text here may have 5 characters." in said
