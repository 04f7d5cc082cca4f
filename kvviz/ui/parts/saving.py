"""Take a view or a run away, and bring one back: link, files, upload."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from kvviz.analysis import to_csv
from kvviz.errors import KvvizError, TraceFileError
from kvviz.player import html_document
from kvviz.trace import GenerationTrace
from kvviz.trace.model_card import Family
from kvviz.trace.storage import has_checksum, open_trace
from kvviz.translation import N_, front_end_catalogue
from kvviz.translation import gettext as _
from kvviz.ui.parts.player import begins_at, first_view
from kvviz.ui.parts.run_state import RunState
from kvviz.ui.parts.view import View
from kvviz.ui.shell import links
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.front_end import front_end
from kvviz.ui.shell.page_list import title_of
from kvviz.ui.work import row_origins
from kvviz.ui.work.admission import Ask, admit
from kvviz.ui.work.fitting_models import is_for
from kvviz.ui.work.model_names import FAMILY_NAMES
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun

HERE = Path(__file__).parent

MAX_UPLOAD_BYTES = 256 * 2**20
"""Most bytes that a file of a stranger may unpack to where no cap is set. GPT-2 with 124 million
parameters fills less than half of it at its full context."""


NO_CHECKSUM = N_(
    "This file was saved by an older kvviz, without a checksum: only keys and values in up to 32 "
    "bits are held to the fingerprints of the run, and everything else is as the file says."
)


def _copy_link() -> Callable[..., Any]:
    """Return what mounts the button that copies the address bar; only the browser can."""
    return front_end("kvviz_copy_link", HERE / "copy_link.bundle.js")


Opening = Callable[[ShownRun, View], View]
"""Chooses the layer and the head of a run where a view leaves them open, as a page's player does.
"""


def draw(state: RunState, family: Family, opening: Opening = first_view) -> None:
    """Draw what can be taken away, once there is a run, and the way to open a saved one.

    Args:
        state: The page.
        family: Runs of models of another family belong on another page.
        opening: The page's own choice of a layer and a head.
    """
    with st.container(key="kvviz-saving", gap=None):
        above = st.container(gap=None)
        with st.popover(_("Open a saved run"), type="tertiary", key="kvviz-open-run"):
            upload = st.file_uploader(
                _("A .npz file that was saved here or with trace.save"),
                key="kv:upload",
                max_upload_size=Environment.read().mode.upload,
            )
            if upload is not None and state.upload != upload.file_id:
                open_upload(state, upload, family)
        # Only now is it known which run is on screen.
        if state.shown is not None:
            with above:
                take_away(state.shown, state, opening)


def take_away(shown: ShownRun, state: RunState, opening: Opening) -> None:
    """Draw the ways to take a run away."""
    if shown.origin == "file":
        st.caption(_("A saved run has no link; pass its file on."))
    elif links.fits(shown.settings.typed):
        _copy_link()(data=front_end_catalogue(), key="kv-copy-link")
    else:
        st.caption(
            _("This conversation is too long for a link; save the run instead.")
            if shown.settings.chat
            else _("This prompt is too long for a link; save the run instead.")
        )
    with st.container(horizontal=True, gap="small", key="kvviz-files"):
        downloads(shown, state, opening)


def downloads(shown: ShownRun, state: RunState, opening: Opening) -> None:
    """Draw the downloads of a run; each is made only when it is asked for."""
    for label, key, make, name, mime, about in (
        (
            _("Save run"),
            "npz",
            lambda: npz(shown.trace),
            "kvviz-run.npz",
            "application/octet-stream",
            _("The whole trace as a .npz file, to open here or in Python with kvviz.open_trace."),
        ),
        (
            "HTML",
            "html",
            lambda: html_page(shown, opening(shown, state.view)),
            "kvviz-run.html",
            "text/html",
            _("One offline file with this player inside."),
        ),
        (
            "CSV",
            "csv",
            lambda: to_csv(shown.trace),
            "kvviz-steps.csv",
            "text/csv",
            _("One line a step: rows, FLOPs, time, bytes."),
        ),
    ):
        st.download_button(
            label,
            make,
            name,
            mime,
            key=f"kv:{key}",
            help=about,
            type="tertiary",
            on_click="ignore",
        )


def open_upload(state: RunState, upload: Any, family: Family) -> None:
    """Put an uploaded run on screen, or say why it cannot be."""
    state.give_up_job()
    most = Environment.read().mode.upload
    try:
        # To unpack a file is work too, though it waits in no line.
        admit(Ask())
        trace = open_trace(
            upload,
            max_bytes=MAX_UPLOAD_BYTES if most is None else most * 10**6,
            kind="generation",
        )
        if not is_for(trace.model, family):
            raise TraceFileError(
                _("This run belongs on another page."),
                found=_("It is of {model}, a {family}.").format(
                    model=trace.model.name, family=_title(trace.model.family)
                ),
                fix=_(
                    "Open the page “{t5_page}” for a T5, “{gpt2_page}” for a GPT-2 or another "
                    "decoder, and open the file there."
                ).format(t5_page=title_of("encoder_decoder"), gpt2_page=title_of("kv_cache")),
            )
    except KvvizError as error:
        state.error = error
    else:
        state.coming = View(cache="on" if trace.options.use_cache else "off")
        state.notes = () if has_checksum(upload) else (_(NO_CHECKSUM),)
        state.show(ShownRun(settings_of(trace), trace, origin="file"))
    state.upload = upload.file_id


def _title(family: str) -> str:
    """Return the name of a family as people write it, if it is one of those that kvviz brings."""
    return next((of.title for name, of in FAMILY_NAMES.items() if name == family), family)


def settings_of(trace: GenerationTrace) -> RunSettings:
    """Return the settings that a saved run was made with."""
    options, chat = trace.options, trace.conversation
    return RunSettings(
        model=trace.model.name,
        prompt=RunSettings().prompt if chat else trace.prompt,
        chat=chat,
        new=options.max_new_tokens,
        dtype=trace.model.dtype,
        **{name: getattr(options, name) for name in ("temperature", "top_k", "top_p", "seed")},
    )


def npz(trace: GenerationTrace) -> bytes:
    """Return a trace as the bytes of its file."""
    file = io.BytesIO()
    trace.save(file)
    return file.getvalue()


def html_page(shown: ShownRun, view: View) -> str:
    """Return the player and its run as one offline HTML document, at the view on screen.

    It carries how the rows of the head on screen came about, if the model is loaded.
    """
    view = first_view(shown, view)
    origins = row_origins.at_hand(shown, view.layer or 0, view.head or 0)
    return html_document(shown.subject, **begins_at(shown, view), origins=origins)
