"""The controls of a race, and the question before it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from kvviz.errors import ContextLengthError, OutOfMemoryError
from kvviz.trace import BYTES_PER_NUMBER
from kvviz.trace.race import race_bytes
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.speed_and_memory import race_cache
from kvviz.ui.pages.speed_and_memory.settings import (
    MOST_PROMPT_TOKENS,
    MOST_REPEATS,
    MOST_SEQUENCES,
    PREFIX,
    RaceSettings,
)
from kvviz.ui.pages.speed_and_memory.state import SpeedState
from kvviz.ui.parts.experiment import Choice, Experiment
from kvviz.ui.parts.model_choice import choose_model, chosen_model, put_model
from kvviz.ui.parts.press import Press
from kvviz.ui.parts.remedies import Remedy
from kvviz.ui.shell.environment import DEVICES, Environment
from kvviz.ui.shell.errors_shown import show_problems
from kvviz.ui.work import keeping
from kvviz.ui.work.model_names import called
from kvviz.ui.work.model_store import model_store

ANSWERS = (
    (N_("less than 2×"), 2.0),
    (N_("2× to 4×"), 4.0),
    (N_("4× to 10×"), 10.0),
    (N_("more than 10×"), None),
)
"""Answers to the question, and the factor that each ends below."""

NUMBERS = {
    "prompt_tokens": (N_("Prompt tokens"), MOST_PROMPT_TOKENS),
    "new": (N_("New tokens"), 0),
    "batch": (N_("Batch"), MOST_SEQUENCES),
    "repeats": (N_("Repeats"), MOST_REPEATS),
}


@dataclass(frozen=True)
class Draft:
    """What the controls say now.

    Attributes:
        settings: What would be raced.
        problems: Sentences on what stands in the way, none if nothing does.
        start: A press of the button.
    """

    settings: RaceSettings
    problems: tuple[str, ...]
    start: Press


def put(settings: RaceSettings) -> None:
    """Set the controls, before they are drawn."""
    put_model(f"{PREFIX}model", "gpt2", settings.model, any_decoder=True)
    for name in (*NUMBERS, "dtype", "cache", "device"):
        st.session_state[f"{PREFIX}{name}"] = getattr(settings, name)


def experiment(state: SpeedState) -> Experiment:
    """Return the experiment: an answer starts the race, and the lanes come before the verdict."""
    said = {
        name: st.session_state.get(f"{PREFIX}{name}") or getattr(state.settings, name)
        for name in ("prompt_tokens", "new")
    }

    words = st.session_state.get(f"{PREFIX}cache") or state.settings.cache
    kept = race_cache.told_words(words)

    def race() -> None:
        state.asked = True

    return Experiment(
        "cache-speed-up",
        [Choice({number: _(answer[0]) for number, answer in enumerate(ANSWERS)})],
        words={
            "model": called(chosen_model(f"{PREFIX}model", state.settings.model))
            or _("The model of your choice"),
            "prompt": f"{said['prompt_tokens']:,}",
            "new": f"{said['new']:,}",
            # Translators: {rows} is "the last 60 rows and the first 4".
            "cache": _("a cache of {rows}").format(rows=kept) if kept else _("its cache"),
        },
        stays=False,
        on_answer=race,
    )


def draw(environment: Environment) -> Draft:
    """Draw the controls and return what they say."""
    with st.container(border=True, key="kvviz-card-race"):
        with st.container(horizontal=True, gap="small", key="kvviz-race-numbers"):
            with st.container(width=330, key="kvviz-race-model"):
                model = choose_model(_("Model"), f"{PREFIX}model", "gpt2", any_decoder=True)
            numbers: dict[str, int] = {}
            for name, (label, _most) in NUMBERS.items():
                found = st.number_input(
                    _(label), key=f"{PREFIX}{name}", step=1, persist_state="session", width=150
                )
                numbers[name] = int(found or 0)
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small",
                           key="kvviz-race-row")  # fmt: skip
        with row:
            dtype = st.selectbox(_("Number format"), list(BYTES_PER_NUMBER), key=f"{PREFIX}dtype",
                                 persist_state="session", width=170)  # fmt: skip
            devices = list(dict.fromkeys([*DEVICES, environment.device]))
            device = st.selectbox(_("Device"), devices, key=f"{PREFIX}device",
                                  persist_state="session", width=130)  # fmt: skip
            cache = choose_cache()
        settings = RaceSettings(model=model, dtype=dtype, device=device, cache=cache, **numbers)
        problems = found_wrong(settings, environment)
        with row:
            start = Press.draw(_("Start the race"), f"{PREFIX}start", type="primary",
                               shortcut="Ctrl+Enter")  # fmt: skip
        show_problems(problems)
    return Draft(settings, problems, start)


def choose_cache() -> str:
    """Draw what the cache keeps; return its words, as they were typed where they name no window."""
    key = f"{PREFIX}cache"
    chosen = st.session_state.get(key) or keeping.EVERY_ROW
    typed = st.selectbox(
        _("Rows kept in the cache"),
        list(dict.fromkeys([*race_cache.OFFERED, chosen])),
        key=key,
        format_func=keeping.called,
        accept_new_options=True,
        persist_state="session",
        width=330,
        help=_(
            "The race is run with what is chosen here against no cache at all. Choose a window, or "
            "type one, such as {example}: as many of the last rows, and of the first ones."
        ).format(example=keeping.EXAMPLE),
    )
    words = typed or keeping.EVERY_ROW
    return race_cache.read(words) or words


def found_wrong(settings: RaceSettings, environment: Environment) -> tuple[str, ...]:
    """Return a sentence on each control that cannot be raced as it is."""
    problems: list[str] = []
    if not settings.model:
        problems.append(_("Type the name or the folder of a model."))
    for name, (label, most) in NUMBERS.items():
        number, most = getattr(settings, name), most or environment.max_new_tokens
        if not 1 <= number <= most:
            problems.append(
                _("{label}: 1 to {most:,}, and it is {n:,}.").format(
                    label=_(label), most=most, n=number
                )
            )
    if race_cache.read(settings.cache) is None:
        problems.append(
            _("Rows kept in the cache: it is {text!r}, not {wanted}.").format(
                text=settings.cache[:40], wanted=race_cache.wanted()
            )
        )
    return tuple(problems)


def remedy(state: SpeedState) -> Remedy[RaceSettings] | None:
    """Return what helps against the error, as a button's words and the settings it starts."""
    tried, model = state.settings, model_store().peek(state.settings.of_model)
    usual = RaceSettings.model
    if isinstance(state.error, ContextLengthError) and model is not None:
        n_ctx = model.card.n_ctx
        prompt = min(tried.prompt_tokens, n_ctx // 2)
        new = min(tried.new, n_ctx - prompt)
        words = ngettext(
            "Race {prompt:,} prompt and {new:,} new token",
            "Race {prompt:,} prompt and {new:,} new tokens",
            new,
        ).format(prompt=prompt, new=new)
        return words, replace(tried, prompt_tokens=prompt, new=new)
    if isinstance(state.error, OutOfMemoryError) and model is not None and tried.batch > 1:
        from kvviz.engine.models.device_memory import free_bytes

        each = race_bytes(model.card, tried.prompt_tokens + tried.new - 1, 1).total
        # Half of what just fits: the arithmetic names the least that a race needs.
        batch = max(min(tried.batch // 2, (free_bytes(model.device) or each) // (2 * each)), 1)
        return _("Race a batch of {n:,}").format(n=batch), replace(tried, batch=batch)
    if model is None and tried.model != usual:
        return _("Race {model}").format(model=called(usual)), replace(tried, model=usual)
    return None
