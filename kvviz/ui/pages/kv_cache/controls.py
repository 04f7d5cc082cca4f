"""The controls in the sidebar: from what a person set to what can be run."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.errors import KvvizError
from kvviz.lessons import lessons
from kvviz.trace import BYTES_PER_NUMBER
from kvviz.ui.parts import model_card
from kvviz.ui.parts.model_choice import choose_model, values_for
from kvviz.ui.shell.environment import DEVICES, Environment
from kvviz.ui.shell.errors_shown import show_problems
from kvviz.ui.shell.links import LARGEST_SEED, RunSettings
from kvviz.ui.work.model_store import model_store

GREEDY = "most likely (temperature 0)"
SAMPLE = "sample"
DTYPES = tuple(BYTES_PER_NUMBER)
CONTROL = {chr(code) for code in (*range(0x20), 0x7F)} - set("\t\n\r")


@dataclass(frozen=True)
class Draft:
    """What the controls say now.

    Attributes:
        settings: What Run would run.
        problems: Sentences on what stands in the way, none if nothing does.
        run: Whether Run was pressed just now.
        prompt_line: Where `label_prompt` draws.
    """

    settings: RunSettings
    problems: tuple[str, ...]
    run: bool
    prompt_line: DeltaGenerator


def put(settings: RunSettings) -> None:
    """Set the controls, before they are drawn."""
    for key, value in _values(settings).items():
        st.session_state[key] = value


def say(settings: RunSettings) -> bool:
    """Whether the controls say these settings, and nothing that was typed since."""
    return all(
        st.session_state.get(name, value) == value for name, value in _values(settings).items()
    )


def _values(settings: RunSettings) -> dict[str, object]:
    """Return the key and the value of each control."""
    values: dict[str, object] = {
        "prompt": settings.prompt,
        "new": settings.new,
        "choice": SAMPLE if settings.temperature > 0 else GREEDY,
        "temperature": settings.temperature or 0.8,
        "top_k": settings.top_k,
        "top_p": settings.top_p,
        "seed": settings.seed,
        "device": settings.device,
        "dtype": settings.dtype,
    }
    keyed = {f"kv:{name}": value for name, value in values.items()}
    return keyed | values_for("kv:model", "gpt2", settings.model)


def draw(environment: Environment) -> Draft:
    """Draw the controls and return what they say."""
    model = choose_model("Model", "kv:model", "gpt2")
    model_card.offer(model, "kv:card")
    prompt_line = st.empty()
    prompt = st.text_area(
        "Prompt",
        key="kv:prompt",
        height=104,
        label_visibility="collapsed",
        persist_state="session",
    )
    n_control = sum(character in CONTROL for character in prompt or "")
    if n_control:
        signs = "characters, shown as signs" if n_control > 1 else "character, shown as a sign"
        st.html(f'<div class="kvviz-aside">It holds {n_control} control {signs} such as ␀.</div>')
    examples()
    new = st.number_input("New tokens", key="kv:new", step=1, persist_state="session")
    temperature, top_k, top_p, seed = choose_next_token()
    with st.expander("More", key="kv-more"):
        devices = list(dict.fromkeys([*DEVICES, environment.device]))
        device = st.selectbox("Device", devices, key="kv:device", persist_state="session")
        dtype = st.selectbox("Number format", DTYPES, key="kv:dtype", persist_state="session")
    settings = RunSettings(
        model=model,
        prompt=prompt or "",
        new=int(new or 0),
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        device=device,
        dtype=dtype,
    )
    problems = found_wrong(settings, environment)
    show_problems(problems)
    run = st.button("Run", key="kv:run", type="primary", width="stretch", shortcut="Ctrl+Enter")
    return Draft(settings, problems, run, prompt_line)


def choose_next_token() -> tuple[float, int | None, float | None, int]:
    """Draw how the next token is chosen; return temperature, top-k, top-p and seed."""
    choice = st.selectbox("Next token", [GREEDY, SAMPLE], key="kv:choice", persist_state="session")
    if choice == GREEDY:
        return 0.0, None, None, 0
    left, right = st.columns(2)
    temperature = left.number_input(
        "Temperature", key="kv:temperature", step=0.1, persist_state="session"
    )
    seed = right.number_input("Seed", key="kv:seed", step=1, persist_state="session")
    top_k = left.number_input(
        "Top-k", key="kv:top_k", value=None, step=1, placeholder="all", persist_state="session"
    )
    top_p = right.number_input(
        "Top-p", key="kv:top_p", value=None, step=0.05, placeholder="all", persist_state="session"
    )
    return (
        float(temperature or 0.0),
        None if top_k is None else int(top_k),
        None if top_p is None else float(top_p),
        int(seed or 0),
    )


def examples() -> None:
    """Draw the list of example prompts."""

    def take(text: str) -> None:
        st.session_state["kv:prompt"] = text

    with st.popover("Example prompts", width="stretch", key="kv-examples"):
        for number, prompt in enumerate(lessons().prompts):
            st.button(prompt.name, key=f"kv:example:{number}", on_click=take, args=(prompt.text,),
                      width="stretch", help=prompt.shows)  # fmt: skip


def label_prompt(draft: Draft) -> None:
    """Draw the prompt's label with its length in tokens, once the model is there to count them."""
    settings = draft.settings
    model = model_store().peek(settings)
    count = ""
    if model is not None:
        try:
            n_tokens = len(model.tokenize(settings.prompt)) if settings.prompt else 0
            over = " kvviz-over" if n_tokens + settings.new > model.card.n_ctx else ""
            count = (
                f'<span class="kvviz-count{over}">{n_tokens:,} / {model.card.n_ctx:,} tokens</span>'
            )
        except KvvizError:
            count = ""
    draft.prompt_line.html(f'<div class="kvviz-label"><span>Prompt</span>{count}</div>')


def found_wrong(settings: RunSettings, environment: Environment) -> tuple[str, ...]:
    """Return a sentence on each control that cannot be run as it is."""
    problems: list[str] = []
    if not settings.model:
        problems.append("Type the name or the folder of a model.")
    if not 1 <= settings.new <= environment.max_new_tokens:
        problems.append(
            f"New tokens: 1 to {environment.max_new_tokens:,}, and it is {settings.new:,}."
        )
    if not 0 <= settings.temperature <= 10:
        problems.append(f"Temperature: 0 to 10, and it is {settings.temperature:g}.")
    if settings.top_k is not None and settings.top_k < 1:
        problems.append(f"Top-k: 1 or more, or empty for all, and it is {settings.top_k:,}.")
    if settings.top_p is not None and not 0 < settings.top_p <= 1:
        problems.append(f"Top-p: above 0 up to 1, or empty for all, and it is {settings.top_p:g}.")
    if not 0 <= settings.seed <= LARGEST_SEED:
        problems.append(f"Seed: 0 to {LARGEST_SEED:,}, and it is {settings.seed:,}.")
    return tuple(problems)
