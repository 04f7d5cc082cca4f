"""A list of the models of one family, with a field for one that is not in it.

Where any decoder will do, all that ship are in it, the published ones that were added, and those
that can be.
"""

from __future__ import annotations

import streamlit as st

from kvviz.trace.model_card import Family
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.parts import model_adding
from kvviz.ui.shell.environment import Environment
from kvviz.ui.work import added_models
from kvviz.ui.work.model_names import FAMILY_NAMES, bundled_decoders, bundled_models, called

OTHER = N_("another model…")
"""The entry's value, whatever language it is shown in."""


def values_for(
    key: str, family: Family, model: str, *, any_decoder: bool = False
) -> dict[str, object]:
    """Return what a list and its field hold when they say a model, by their keys."""
    listed = model in _labels(family, any_decoder=any_decoder)
    return {key: model if listed else OTHER, f"{key}:other": "" if listed else model}


def put_model(key: str, family: Family, model: str, *, any_decoder: bool = False) -> None:
    """Set a list and its field, before they are drawn."""
    for name, value in values_for(key, family, model, any_decoder=any_decoder).items():
        st.session_state[name] = value


def chosen_model(key: str, usual: str) -> str:
    """Return what a list and its field say before they are drawn; empty if nothing is typed."""
    listed = st.session_state.get(key, usual)
    if listed != OTHER:
        return str(listed)
    return str(st.session_state.get(f"{key}:other", "")).strip()


def choose_model(label: str, key: str, family: Family, *, any_decoder: bool = False) -> str:
    """Draw the list of a family's models, and the field for another one.

    Args:
        label: What stands above the list.
        key: Of the list's widget; the field's is ``<key>:other``.
        family: Which models are listed.
        any_decoder: Whether all decoders are listed: those that ship, and published ones, which are
            offered where they can be added.

    Returns:
        A bundled name, a hub name or a folder; empty if nothing is typed.
    """
    if any_decoder and added_models.has_come(st.session_state.get(key)):
        # The browser shows the name that it knows a choice by, until the choice is set.
        st.session_state[key] = st.session_state[key]
    addable = added_models.addable_models() if any_decoder else {}
    labels = _labels(family, any_decoder=any_decoder)
    name = FAMILY_NAMES[family]
    others = [OTHER] if Environment.read().mode.is_open else []
    if not others and st.session_state.get(key) not in labels:
        # Only what is listed is loaded here, whatever a link or a saved run names.
        st.session_state[key] = next(iter(labels), None)
    model = st.selectbox(
        label,
        [*labels, *others],
        key=key,
        format_func=lambda name: _(OTHER) if name == OTHER else labels.get(str(name), str(name)),
        persist_state="session",
    )
    if model in addable:
        model_adding.draw(model)
    if model != OTHER:
        return str(model or "")
    return st.text_input(
        _("Hub name or folder"),
        key=f"{key}:other",
        placeholder=_(name.example),
        max_chars=300,
        help=_(
            "A {family}-shaped model with safetensors. A name is fetched from the Hugging Face hub "
            "if it is not on this machine yet; a folder is read as it is."
        ).format(family=name.title),
        persist_state="session",
    ).strip()


def _labels(family: Family, *, any_decoder: bool) -> dict[str, str]:
    """Return the models of a list, name to label."""
    labels = bundled_models(family)
    if any_decoder:
        labels |= bundled_decoders() | added_models.added_models() | added_models.addable_models()
    # Of what family one is that who runs the app names is known when it is loaded.
    return labels | {name: called(name) for name in Environment.read().listed if name not in labels}
