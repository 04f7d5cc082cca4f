"""The player on a page: mounted once, fed with packed bytes, and what it sends back, checked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

import kvviz
from kvviz.errors import LinkError
from kvviz.player import fingerprint, pack
from kvviz.player.cell import Cell
from kvviz.player.head_origin import OriginAsked, pack_origins
from kvviz.player.payload import CacheView
from kvviz.trace import GenerationTrace
from kvviz.translation import gettext as _
from kvviz.translation import language
from kvviz.ui.parts.cell_link import rows_of
from kvviz.ui.parts.view import CACHES, View
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.shell.front_end import front_end
from kvviz.ui.shell.plain_text import quoted
from kvviz.ui.shell.served_bytes import ServedBytes, serve_buffer, voucher
from kvviz.ui.work import row_origins
from kvviz.ui.work.shared_drawings import shared_drawings
from kvviz.ui.work.shown_run import ShownRun

log = logging.getLogger(__name__)

RUN_CACHES = ("on", "off")
FOLDER = Path(kvviz.__file__).parent / "player"


def _component() -> Callable[..., Any]:
    """Return what mounts the player."""
    return front_end("kvviz_player", FOLDER / "player.bundle.js", FOLDER / "player.css")


def checked_view(message: object, shown: ShownRun) -> View:
    """Return the view that a message from the browser names.

    Raises:
        LinkError: If it is no view of this run.
    """
    if not isinstance(message, Mapping):
        raise LinkError(_("The player sent something that is no view."), found=quoted(message))
    card = shown.trace.model
    counts = {"step": shown.n_steps, "layer": card.n_layers, "head": card.n_heads}
    numbers = {name: message.get(name) for name in counts}
    if (
        any(
            type(number) is not int or not 0 <= number < counts[name]
            for name, number in numbers.items()
        )
        or message.get("cache") not in CACHES
    ):
        raise LinkError(
            _("The player sent a view that this run does not have."), found=quoted(message)
        )
    step, layer, head = (int(numbers[name] or 0) for name in ("step", "layer", "head"))
    cell = checked_cell(message.get("cell"), shown.trace, step)
    return View(step=step, layer=layer, head=head, cache=message["cache"], cell=cell)


def checked_cell(message: object, trace: GenerationTrace, step: int) -> Cell | None:
    """Return the cell that a message from the browser names, None where it names none.

    Raises:
        LinkError: If it is no cell of this run at that step.
    """
    if message is None:
        return None
    rows = rows_of(message)
    cross = message.get("cross") if isinstance(message, Mapping) else None
    if rows is not None and type(cross) is bool:
        cell = Cell(*rows, cross)
        if cell.is_in(trace, step):
            return cell
    raise LinkError(_("The player sent a cell that this run does not have."), found=quoted(message))


class Request(NamedTuple):
    """What the player asks for, None where it does not.

    Attributes:
        layer: A layer.
        cache: A way of looking, which may need another run.
        origin: How the rows of a head came about.
        edit: A token of the prompt that is to be changed, by its position.
        branch: A step, and the likely token that is to be taken after it instead.
    """

    layer: int | None
    cache: str | None
    origin: OriginAsked | None
    edit: int | None
    branch: tuple[int, int] | None


def checked_request(message: object, shown: ShownRun) -> Request:
    """Return what the player asks for.

    Raises:
        LinkError: If it asks for what this run cannot have.
    """
    trace = shown.trace
    if not isinstance(message, Mapping):
        raise LinkError(_("The player sent something that is no request."), found=quoted(message))
    layer, cache_mode = message.get("layer"), message.get("cache")
    layer_is_there = layer is None or (type(layer) is int and 0 <= layer < trace.model.n_layers)
    if not layer_is_there or not (cache_mode is None or cache_mode in CACHES):
        raise LinkError(_("The player asked for what this run cannot have."), found=quoted(message))
    origin = checked_origin(message.get("origin"), message.get("id"), shown)
    edit, branch = checked_edit(message, shown), checked_branch(message, shown)
    return Request(layer, cache_mode, origin, edit, branch)


def checked_origin(message: object, run_id: object, shown: ShownRun) -> OriginAsked | None:
    """Return the head whose rows a message asks about, None where it asks about none.

    Raises:
        LinkError: If it is no head of this run, or of another run.
    """
    if message is None:
        return None
    if run_id != fingerprint(shown.subject):
        raise LinkError(
            _("The player asked about another run than the one on screen."),
            found=quoted(run_id),
        )
    facts = message if isinstance(message, Mapping) else {}
    layer, head, cross, cache = (facts.get(name) for name in ("layer", "head", "cross", "cache"))
    if type(layer) is int and type(head) is int and type(cross) is bool and cache in RUN_CACHES:
        asked = OriginAsked(layer, head, cross, cache)
        if asked.is_in(shown.trace) and cache in shown.caches:
            return asked
    raise LinkError(_("The player asked for what this run cannot have."), found=quoted(message))


def checked_edit(message: Mapping[str, object], shown: ShownRun) -> int | None:
    """Return the position of the prompt that a message wants changed, None where it wants none.

    Raises:
        LinkError: If the run's prompt has no such position, or it is another run's.
    """
    position = message.get("edit")
    if position is None:
        return None
    is_this_run = message.get("id") == fingerprint(shown.subject)
    if type(position) is int and 0 <= position < shown.trace.n_prompt and is_this_run:
        return position
    raise LinkError(_("The player asked for what this run cannot have."), found=quoted(message))


def checked_branch(message: Mapping[str, object], shown: ShownRun) -> tuple[int, int] | None:
    """Return step and token that a message wants a branch to begin with, None where it wants none.

    Raises:
        LinkError: If the run on screen has no such step, or did not find that token likely there.
    """
    branch = message.get("branch")
    if branch is None:
        return None
    facts = branch if isinstance(branch, Mapping) else {}
    step, token = facts.get("step"), facts.get("token")
    is_this_run = message.get("id") == fingerprint(shown.subject)
    if type(step) is int and type(token) is int and is_this_run and 0 <= step < shown.n_steps:
        found = shown.trace.steps[step]
        if token in found.top_ids and token != found.chosen_id:
            return step, token
    raise LinkError(_("The player asked for what this run cannot have."), found=quoted(message))


def first_view(shown: ShownRun, view: View) -> View:
    """Fill in layer and head where a view leaves them open, by what the run has to show."""
    if view.layer is not None and view.head is not None:
        return view
    if view.layer is None and view.head is None:
        layer, head = shown.opening_head
    elif view.layer is None:
        layer, head = 0, view.head
    else:
        layer, head = shown.head_to_show(view.layer)
    return replace(view, layer=layer, head=head)


def checked_cache(shown: ShownRun, view: View) -> CacheView:
    """Return the way of looking that a view names, or the first one there is."""
    return shown.caches[shown.caches.index(view.cache) if view.cache in shown.caches else 0]


def begins_at(shown: ShownRun, view: View) -> dict[str, Any]:
    """Return where a player of a run begins, as the arguments of what packs it."""
    return {
        "layer": view.layer or 0,
        "head": view.head or 0,
        "step": view.step,
        "cache": checked_cache(shown, view),
        "roles": shown.roles,
        "cell": view.cell,
    }


def packed(
    shown: ShownRun,
    view: View,
    view_number: int,
    layer: int | None = None,
    *,
    plays: bool = False,
) -> ServedBytes:
    """Return the player's buffer of a run, with the arrays of all layers that fit, or of one.

    All who look at the run in the same way are given the same one. It is kept for a while, and not
    as long as it is looked at: the browser has it then.
    """
    return shared_drawings.of(
        shown,
        ("player", view, view_number, layer, plays),
        lambda: serve_buffer(
            pack(
                shown.subject,
                view_number=view_number,
                layers=None if layer is None else [layer],
                plays=plays,
                recorded=shown.observed == "recorded",
                **begins_at(shown, view),
            )
        ),
    )


@st.fragment
@bounded
def player(
    shown: ShownRun,
    view: View,
    *,
    key: str,
    view_number: int = 0,
    plays: bool = False,
    grows: str | None = None,
    on_view: Callable[[View], bool | None] | None = None,
    on_cache: Callable[[str], None] | None = None,
    on_edit: Callable[[int], None] | None = None,
    on_branch: Callable[[int, int], None] | None = None,
) -> None:
    """Draw the player.

    Reruns alone when the person lets go of it: the page around it is left as it is.

    Args:
        shown: The run.
        view: Where to begin. The player keeps its own view as long as `view_number` stays the same.
        key: Name of this player on the page.
        view_number: Another one, and the player takes on `view`.
        plays: Whether the run plays by itself, once.
        grows: Address of a run that is made in place of this one, if there is one. As soon as there
            is something to see of it the player shows it, and asks for more by itself.
        on_view: Told each view that the person comes to rest at. Where it returns True, the page
            around the player is drawn anew.
        on_cache: Told when the person asks for a way of looking that needs another run.
        on_edit: Told which token of the prompt the person wants to change. The page is then drawn
            anew.
        on_branch: Told a step, and the likely token that the person wants to be taken after it
            instead. The page is then drawn anew.
    """
    memory = st.session_state.setdefault(f"{key}:memory", {"run": None, "number": None})
    number = (view_number, language())

    def give(view: View, layer: int | None = None, *, plays: bool = False) -> None:
        def make() -> ServedBytes:
            return packed(shown, view, view_number, layer, plays=plays)

        memory.update(view=view, make=make, address=make().address, origin=())

    if memory["run"] is not shown or memory["number"] != number:
        memory.update(run=shown, number=number)
        give(first_view(shown, view), plays=plays)

    def heard(event: str, take: Callable[[object], None]) -> None:
        message = st.session_state.get(key, {}).get(event)
        if message is None:
            return
        try:
            take(message)
        except LinkError as error:
            log.warning("Left unheard: %s", error)

    def moved(message: object) -> None:
        found = checked_view(message, shown)
        # What was in view before the player took on another view is of the past.
        if isinstance(message, Mapping) and message.get("number") == view_number:
            look_at(found)

    def look_at(view: View) -> None:
        memory["view"] = view
        if on_view and on_view(view):
            memory["redraw"] = True

    def requested(message: object) -> None:
        asked = checked_request(message, shown)
        if asked.layer is not None:
            look_at(replace(memory["view"], layer=asked.layer))
            give(memory["view"], asked.layer)
        if asked.origin is not None:
            answers = {asked.origin: row_origins.answer(shown, asked.origin)}
            # It is held here, since nobody else asks for it. The run's own buffer is there already.
            memory["origin"] = (serve_buffer(pack_origins(fingerprint(shown.subject), answers)),)
        if asked.edit is not None and on_edit:
            on_edit(asked.edit)
            memory["redraw"] = True
        if asked.branch is not None and on_branch:
            on_branch(*asked.branch)
            memory["redraw"] = True
        memory["request"] = asked.cache if asked.cache not in shown.caches else None

    def missed(message: object) -> None:
        log.info("A buffer was asked for that is not kept any more: %s", quoted(message))
        memory["address"] = memory["make"]().address

    _component()(
        key=key,
        data=voucher(memory["address"], *(one.address for one in memory["origin"]), grows=grows),
        on_view_change=lambda: heard("view", moved),
        on_wanted_change=lambda: heard("wanted", requested),
        on_lost_change=lambda: heard("lost", missed),
    )
    redraw, request = memory.pop("redraw", False), memory.pop("request", None)
    if request and on_cache:
        on_cache(request)
    if redraw:
        st.rerun()


@st.fragment
@bounded
def player_to_come(grows: str | None, *, key: str) -> None:
    """Draw the player of a run that is the first on its page, while it is made.

    Args:
        grows: Where the run is asked for, if it can be.
        key: Of the player, whose place it takes.
    """
    _component()(
        key=key,
        data=voucher(grows=grows),
        on_view_change=lambda: None,
        on_wanted_change=lambda: None,
        on_lost_change=lambda: None,
    )
