"""A press is acted on, also where the next message cuts its run of the script short."""

import pytest
import streamlit as st

from kvviz.ui.pages.encoder_decoder import controls as encoder_decoder
from kvviz.ui.pages.kv_cache import controls as kv_cache
from kvviz.ui.pages.language_modelling import controls as language_modelling
from kvviz.ui.pages.language_modelling.state import TextState
from kvviz.ui.pages.speed_and_memory import race_controls as speed_and_memory
from kvviz.ui.pages.speed_and_memory.state import SpeedState
from kvviz.ui.parts.run_state import RunState
from tests.pages.conftest import Page

BUTTONS = {
    "kv_cache": (kv_cache, RunState, "kv:run", {"prompt": "The cat", "new": "2"}),
    "encoder_decoder": (encoder_decoder, RunState, "ed:run", {"new": "2"}),
    "language_modelling": (language_modelling, TextState, "lm:read", {"text": "The cat sat."}),
    "speed_and_memory": (
        speed_and_memory,
        SpeedState,
        "speed:start",
        {"new": "2", "prompt_tokens": "4"},
    ),
}


@pytest.mark.parametrize("name", BUTTONS)
def test_a_press_is_kept_where_its_run_of_the_script_is_cut_short(name, monkeypatch):
    controls, kind, button, parameters = BUTTONS[name]
    page = Page(name, parameters)
    draw, n_cut = controls.choose_model, 0

    def cut(*arguments, **options):
        nonlocal n_cut
        n_cut += 1
        if n_cut == 1:
            # What a message that comes now makes of the next thing that is drawn.
            st.rerun()
        return draw(*arguments, **options)

    begun = []
    monkeypatch.setattr(controls, "choose_model", cut)
    monkeypatch.setattr(kind, "give_up_job", lambda state: begun.append(state))
    page.app.button(key=button).click().run()
    assert n_cut > 1
    assert begun, "nothing was begun"
    n_begun = len(begun)
    page.finish()
    page.app.run()
    assert len(begun) == n_begun, "it was begun again"
