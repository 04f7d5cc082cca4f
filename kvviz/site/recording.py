"""The runs that the site shows, made by the bundled models when it is published.

Each lesson is made by the functions that the app's page makes it by: the same question, the same
verdict on what was observed, the same buffer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import kvviz
from kvviz.errors import PublishError
from kvviz.lessons import lessons
from kvviz.player import pack
from kvviz.player.document import MAX_LAYER_BYTES
from kvviz.site.lesson import FILM, PLAYER, TWINS, Lesson, Picture, Recorded
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.pages.bert_vs_gpt2 import look, rows
from kvviz.ui.pages.bert_vs_gpt2 import payload as twins_payload
from kvviz.ui.pages.bert_vs_gpt2 import picture as twins_picture
from kvviz.ui.pages.bert_vs_gpt2.payload import Pair
from kvviz.ui.pages.bert_vs_gpt2.readings import ReadRequest, read_alike
from kvviz.ui.pages.bert_vs_gpt2.settings import EXPERIMENTS, TwinSettings
from kvviz.ui.pages.bert_vs_gpt2.view import TwinsView
from kvviz.ui.pages.encoder_decoder import attention_shares, blanks, cross_rows, filled
from kvviz.ui.pages.encoder_decoder import settings as t5_settings
from kvviz.ui.pages.kv_cache import edited_token
from kvviz.ui.pages.language_modelling import training_film
from kvviz.ui.pages.start import twice_as_long
from kvviz.ui.parts.experiment import Experiment
from kvviz.ui.parts.player import begins_at, first_view
from kvviz.ui.parts.view import View
from kvviz.ui.shell.page_list import title_of
from kvviz.ui.work import runs, shipped_runs
from kvviz.ui.work.model_names import called
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

A_NAME_TWICE = 1
"""Which of the example prompts the second page runs: in it a head finds something to copy."""


@dataclass
class Models:
    """The bundled models, each loaded once."""

    loaded: dict[str, LoadedModel] = field(default_factory=dict)

    def __call__(self, name: str) -> LoadedModel:
        """Return a model by its name."""
        if name not in self.loaded:
            self.loaded[name] = kvviz.load_model(name)
        return self.loaded[name]


def start(models: Models) -> Lesson:
    """Return the first page: a run both ways, which plays by itself."""
    shown = shipped_runs.record(models("kvviz/gpt2-mini"), RunSettings())
    assert shown.comparison is not None
    return _of_a_run(
        shown,
        "index",
        "start",
        title=_("Watch a KV cache work"),
        lead=lessons().caption("start").text,
        picture=_player(shown, first_view(shown, View(cache="both")), plays=True),
        experiment=twice_as_long.experiment(shown.comparison),
    )


def kv_cache(models: Models) -> Lesson:
    """Return the page on one run: an edited token is asked about."""
    settings = RunSettings(prompt=lessons().prompts[A_NAME_TWICE].text)
    model = models(settings.model)
    shown = shipped_runs.record(model, settings)
    change = edited_token.edit(model, settings.prompt)
    if change is None:
        raise PublishError(
            _("No word of the example can be changed so that one token differs."),
            found=_("The prompt is “{prompt}”.").format(prompt=settings.prompt),
        )
    before, after = (
        kvviz.trace_generation(model, prompt, max_new_tokens=1)
        for prompt in (settings.prompt, change.text)
    )
    return _of_a_run(
        shown,
        "kv_cache",
        "kv_cache",
        title=title_of("kv_cache"),
        lead=lessons().caption("kv-cache").text,
        picture=_player(shown, first_view(shown, View())),
        experiment=edited_token.experiment(shown, change),
        found=runs.changed_rows(before, after, change.n_rows),
        intro="site-kv-cache",
    )


def encoder_decoder(models: Models) -> Lesson:
    """Return the page on a T5 and its two caches."""
    settings = t5_settings.usual()
    model = models(settings.model)
    shown = shipped_runs.record(model, settings, blanks.as_read, filled.final_sentinels)
    assert shown.trace.cross is not None
    return _of_a_run(
        shown,
        "encoder_decoder",
        "encoder_decoder",
        title=title_of("encoder_decoder"),
        lead=lessons().caption("encoder-decoder").text,
        picture=_player(shown, first_view(shown, attention_shares.opening_view(shown, View()))),
        experiment=cross_rows.experiment(shown.trace, shown.trace.cross),
        intro="site-t5",
    )


def twins_look(models: Models) -> Lesson:
    """Return the page on where both twins look."""
    usual = TwinSettings()
    asked = [ReadRequest("gpt2", usual.text), ReadRequest("bert", usual.text)]
    left, right = read_alike(asked, _twins(models, usual))
    pair = look.plain_pair(left, right, _names(usual), recorded=True)
    return _of_twins(
        "bert_vs_gpt2", "look", pair, look.experiment(pair, is_open=False), "site-look"
    )


def twins_append(models: Models) -> Lesson:
    """Return the page on which rows a word more at the end changes."""
    usual = TwinSettings()
    change = rows.appended(usual.text, usual.word)
    readings = read_alike(rows.requests(change), _twins(models, usual))
    pair = rows.compared(readings, change, _names(usual), recorded=True)
    n_before = readings[0].n_tokens, readings[1].n_tokens
    experiment = rows.experiment(pair, change, n_before, rows.APPENDED)
    return _of_twins("bert_vs_gpt2-append", "append", pair, experiment, "site-append")


def film(models: Models) -> Lesson:
    """Return the page on how both twins learnt, whose film was recorded when they did."""
    found, words = training_film.films(), lessons()
    caption = words.caption("training-film")
    data = training_film.data_of(found, 0)
    return Lesson(
        "language_modelling",
        "language_modelling",
        title=title_of("language_modelling"),
        lead=caption.text,
        picture=Picture(FILM, _("How the two models learnt"), json.dumps(data).encode()),
        experiment=training_film.experiment(found["gpt2"]),
        found=None,
        asked_first=True,
        recorded=None,
        source=caption.source,
        intro=words.caption("site-film").text,
    )


LESSONS: tuple[tuple[str, Callable[[Models], Lesson]], ...] = (
    (N_("Start here"), start),
    (N_("KV cache, step by step"), kv_cache),
    (N_("BERT beside GPT-2: look"), twins_look),
    (N_("BERT beside GPT-2: append a word"), twins_append),
    (N_("The training film"), film),
    (N_("T5's two caches"), encoder_decoder),
)
"""What is recorded, in the order of the app's pages: what it is called, and who records it."""


def _player(shown: ShownRun, view: View, *, plays: bool = False) -> Picture:
    buffer = pack(
        shown.subject,
        plays=plays,
        recorded=True,
        # Nobody can fetch another layer later.
        max_bytes_all_layers=MAX_LAYER_BYTES,
        **begins_at(shown, view),
    )
    return Picture(PLAYER, _("The run, step by step"), buffer)


def _of_a_run(
    shown: ShownRun,
    address: str,
    page: str,
    *,
    title: str,
    lead: str,
    picture: Picture,
    experiment: Experiment,
    found: object = None,
    intro: str = "",
) -> Lesson:
    words = lessons()
    return Lesson(
        address,
        page,
        title,
        lead,
        picture,
        experiment,
        found,
        asked_first=False,
        recorded=_recorded(shown.trace, shown.settings.model),
        source=words.caption("site-player").text,
        intro=words.caption(intro).text if intro else "",
    )


def _of_twins(address: str, does: str, pair: Pair, experiment: Experiment, intro: str) -> Lesson:
    view = twins_picture.first_view(pair, TwinsView())
    layer, head = view.layer or 0, view.head or 0
    words, usual = lessons(), TwinSettings()

    def packed(*, veiled: bool) -> bytes:
        return twins_payload.pack(
            pair, layer=layer, head=head, veiled=veiled, most_bytes=MAX_LAYER_BYTES
        )

    return Lesson(
        address,
        "bert_vs_gpt2",
        title=title_of("bert_vs_gpt2"),
        lead=words.caption("bert-vs-gpt2").text,
        picture=Picture(
            TWINS,
            _("Both models, side by side"),
            packed(veiled=False),
            packed(veiled=True),
        ),
        experiment=experiment,
        found=None,
        asked_first=True,
        recorded=_recorded(pair.left, usual.model, usual.bert),
        source="",
        does=_(EXPERIMENTS[does]),
        intro=words.caption(intro).text,
    )


def _recorded(trace: kvviz.GenerationTrace | kvviz.EncodingTrace, *models: str) -> Recorded:
    return Recorded(tuple(map(called, models)), trace.model, trace.environment)


def _twins(models: Models, usual: TwinSettings) -> dict[str, LoadedModel]:
    return {"gpt2": models(usual.model), "bert": models(usual.bert)}


def _names(usual: TwinSettings) -> tuple[str, str]:
    return called(usual.model), called(usual.bert)
