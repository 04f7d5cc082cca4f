"""The controls in the sidebar: from what a person set to what can be run."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.lessons import lessons
from kvviz.trace import BYTES_PER_NUMBER
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.kv_cache import chat_box
from kvviz.ui.pages.kv_cache.remedy import remedy
from kvviz.ui.parts import model_card
from kvviz.ui.parts.model_choice import choose_model, values_for
from kvviz.ui.parts.press import Press
from kvviz.ui.parts.text_controls import (
    TEXT_HEIGHT,
    Draft,
    TextControls,
    counted,
    examples,
    text_field,
)
from kvviz.ui.shell.environment import DEVICES, Environment
from kvviz.ui.shell.errors_shown import show_problems
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import keeping
from kvviz.ui.work.admission import is_read
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import LARGEST_SEED, RunSettings

GREEDY, SAMPLE = "greedy", "sample"
CHOICES = {GREEDY: N_("most likely (temperature 0)"), SAMPLE: N_("sample")}
DTYPES = ("auto", *BYTES_PER_NUMBER)
CONTROL = {chr(code) for code in (*range(0x20), 0x7F)} - set("\t\n\r")


def values(settings: RunSettings) -> dict[str, object]:
    """Return the key and the value of each control."""
    said: dict[str, object] = {
        "new": settings.new,
        "choice": SAMPLE if settings.temperature > 0 else GREEDY,
        "temperature": settings.temperature or 0.8,
        "top_k": settings.top_k,
        "top_p": settings.top_p,
        "seed": settings.seed,
        "device": settings.device,
        "dtype": settings.dtype,
        "cache": settings.cache,
    }
    keyed = {f"kv:{name}": value for name, value in said.items()}
    model = values_for("kv:model", "gpt2", settings.model, any_decoder=True)
    return keyed | dict(chat_box.values(settings)) | model


def draw(environment: Environment) -> Draft[RunSettings]:
    """Draw the controls and return what they say."""
    model = choose_model(_("Model"), "kv:model", "gpt2", any_decoder=True)
    model_card.offer(model, "kv:card")
    said_of_format = st.empty()
    chat = chat_box.draw(model)
    asked: dict[str, Any]
    if chat is None:
        line, asked = draw_prompt()
    else:
        line, asked = chat.line, {"chat": chat.conversation}
    new = st.number_input(_("New tokens"), key="kv:new", step=1, persist_state="session")
    chosen = choose_next_token()
    with st.expander(_("More"), key="kv-more"):
        devices = list(dict.fromkeys([*DEVICES, environment.device]))
        device = st.selectbox(_("Device"), devices, key="kv:device", persist_state="session")
        dtype = st.selectbox(
            _("Number format"),
            DTYPES,
            key="kv:dtype",
            help=_(
                "auto is float32; for a model that was added it is bfloat16 where this machine has "
                "units for it and was measured to be faster with them."
            ),
            persist_state="session",
        )
        cache = choose_cache()
    temperature, top_k, top_p, seed = chosen
    settings = RunSettings(
        model=model,
        new=int(new or 0),
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        device=device,
        dtype=dtype,
        cache=cache,
        **asked,
    )
    problems = found_wrong(settings, environment)
    show_problems(problems)
    run = Press.draw(_("Run"), "kv:run", type="primary", width="stretch", shortcut="Ctrl+Enter")
    title, tell_more = ("", None) if chat is None else (_("Turns"), chat.tell)

    def later() -> None:
        tell_format(settings, said_of_format)
        if tell_more is not None:
            tell_more()

    return Draft(settings, problems, run, line, title, later)


def choose_cache() -> str:
    """Draw how the rows are kept; return its words, as they were typed where they say nothing."""
    chosen = st.session_state.get("kv:cache", keeping.EVERY_ROW)
    typed = st.selectbox(
        _("Rows kept in the cache"),
        list(dict.fromkeys([*keeping.OFFERED, chosen])),
        key="kv:cache",
        format_func=keeping.called,
        accept_new_options=True,
        persist_state="session",
        help=_(
            "Another way of keeping rows runs beside the one that keeps every row. Choose one, or "
            "type one as the command line takes it: {example}."
        ).format(example=keeping.EXAMPLE),
    )
    return keeping.read_typed(typed or keeping.EVERY_ROW)


def tell_format(settings: RunSettings, place: DeltaGenerator) -> None:
    """Say in which number format a model was loaded, where that was measured."""
    model = model_store().peek(settings)
    if model is not None and model.format_trial is not None:
        told = plain_html(model.format_trial.told)
        place.html(f'<div class="kvviz-aside" data-kvviz="number-format">{told}</div>')


def draw_prompt() -> tuple[DeltaGenerator, dict[str, Any]]:
    """Draw the prompt's field and the examples; return its label's place, and what is asked."""
    line, prompt = text_field(_("Prompt"), "kv:prompt", height=TEXT_HEIGHT)
    n_control = sum(character in CONTROL for character in prompt)
    if n_control:
        told = ngettext(
            "It holds {n} control character, shown as a sign such as ␀.",
            "It holds {n} control characters, shown as signs such as ␀.",
            n_control,
        ).format(n=n_control)
        st.html(f'<div class="kvviz-aside">{plain_html(told)}</div>')
    examples(_("Example prompts"), lessons().prompts, "kv", "kv:prompt")
    return line, {"prompt": prompt}


def choose_next_token() -> tuple[float, int | None, float | None, int]:
    """Draw how the next token is chosen; return temperature, top-k, top-p and seed."""
    choice = st.selectbox(
        _("Next token"),
        list(CHOICES),
        key="kv:choice",
        format_func=lambda name: _(CHOICES[name]),
        persist_state="session",
    )
    if choice == GREEDY:
        return 0.0, None, None, 0
    left, right = st.columns(2)
    temperature = _number(left, _("Temperature"), "temperature", 0.1)
    seed = _number(right, _("Seed"), "seed", 1)
    top_k = _number(left, _("Top-k"), "top_k", 1, empty=_("all"))
    top_p = _number(right, _("Top-p"), "top_p", 0.05, empty=_("all"))
    return (
        float(temperature or 0.0),
        None if top_k is None else int(top_k),
        None if top_p is None else float(top_p),
        int(seed or 0),
    )


def _number(
    place: DeltaGenerator, label: str, name: str, step: float, *, empty: str | None = None
) -> float | None:
    """Draw a number that may be left out where it is said what that means."""
    options = {} if empty is None else {"value": None, "placeholder": empty}
    return place.number_input(
        label, key=f"kv:{name}", step=step, persist_state="session", **options
    )


def count(settings: RunSettings) -> tuple[str, bool]:
    """Return the prompt's length beside the room for it, and whether the run would pass that.

    Raises:
        KvvizError: If the prompt is nothing that the model can read.
    """
    model = model_store().peek(settings)
    if model is None or not is_read(settings.typed):
        return "", False
    n_tokens = model.count_tokens(settings.asked) if settings.asked else 0
    return counted(n_tokens, model.card.n_ctx), n_tokens + settings.new > model.card.n_ctx


def found_wrong(settings: RunSettings, environment: Environment) -> tuple[str, ...]:
    """Return a sentence on each control that cannot be run as it is."""
    problems: list[str] = []
    most = environment.max_new_tokens
    if not settings.model:
        problems.append(_("Type the name or the folder of a model."))
    if not 1 <= settings.new <= most:
        problems.append(
            _("New tokens: 1 to {most:,}, and it is {n:,}.").format(most=most, n=settings.new)
        )
    if not 0 <= settings.temperature <= 10:
        problems.append(_("Temperature: 0 to 10, and it is {n:g}.").format(n=settings.temperature))
    if settings.top_k is not None and settings.top_k < 1:
        problems.append(
            _("Top-k: 1 or more, or empty for all, and it is {n:,}.").format(n=settings.top_k)
        )
    if settings.top_p is not None and not 0 < settings.top_p <= 1:
        problems.append(
            _("Top-p: above 0 up to 1, or empty for all, and it is {n:g}.").format(n=settings.top_p)
        )
    if not 0 <= settings.seed <= LARGEST_SEED:
        problems.append(
            _("Seed: 0 to {most:,}, and it is {n:,}.").format(most=LARGEST_SEED, n=settings.seed)
        )
    if keeping.read(settings.cache) is None:
        problems.append(
            _("Rows kept in the cache: it is {text!r}, not {wanted}.").format(
                text=settings.cache[:40], wanted=keeping.wanted()
            )
        )
    return tuple(problems)


CONTROLS = TextControls(N_("Prompt"), values, draw, count, remedy)
