"""The experiment: what rows still carry of rows that are gone, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from jaxtyping import Bool, Float64

from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import first_sight, run_player, window_controls
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.ghosts.slid_window import SlidWindow, make
from kvviz.ui.pages.cache_lab.kept_part import KeptPart
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict, Work
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.parts.tables import table

if TYPE_CHECKING:
    from kvviz.engine import ComputedAfresh, GhostRows

ALL, FIRST, NONE = "all", "first", "none"
ANSWERS = {
    ALL: N_("in every layer"),
    FIRST: N_("in the first layer alone"),
    NONE: N_("in none"),
}


def draw(bench: Bench) -> None:
    """Draw the experiment."""
    with bench.card:
        part = window_controls.draw(bench.state)
    asked = experiment(bench, part)
    found: SlidWindow | None = bench.done(asked)
    if found is None:
        first_sight.window(bench, asked, part, new=1, slides=True)
        return
    with bench.stage:
        run_player.draw(
            bench,
            found.shown,
            _(
                "Here the run is shown whose window has slid along the text. “{page}” shows one "
                "with every row, and without any."
            ),
        )
    with bench.below, st.container(border=True, key="kvviz-card-lab-ghosts"):
        st.html(figure_tag("measured") + by_layer(found))


def experiment(bench: Bench, part: KeptPart) -> Experiment:
    """Return the experiment with one text and one window."""
    wanted = bench.settings
    return Experiment(
        "ghosts",
        [Choice({name: _(label) for name, label in ANSWERS.items()})],
        told,
        words={"rows": part.rows, "way": part.told},
        about=(wanted.model, wanted.text, str(part)),
        work=task(bench, part),
    )


def task(bench: Bench, part: KeptPart) -> Work:
    """Return the work that lets the window slide and computes its rows afresh."""
    # Translators: stands before "12 of 54", tokens of the text.
    said = _("Reading the text token by token, and its end afresh")
    return bench.run_task("ghosts", (part, bench.settings.text), said, make)


def told(found: SlidWindow) -> Verdict:
    """Say in which layers the rows are the same, and how far they are off elsewhere."""
    ghosts = found.ghosts
    behind, own = ghosts.is_behind, ghosts.own_places
    same: Bool[np.ndarray, " layer"] = np.all(own.is_same[:, behind], axis=1)
    keys, values = (mean_off(own, ghosts, part) for part in ("keys", "values"))
    answer = ALL if same.all() else FIRST if same[0] and not same[1:].any() else NONE
    outcomes = {answer} if answer != NONE or not same.any() else set[str]()
    n_before = int((~behind).sum())
    return Verdict(
        [outcomes],
        {
            "gone": ghosts.n_evicted,
            "n": int(behind.sum()),
            "first": said_of_first(bool(same[0])),
            "keys": spread(keys[1:]),
            "values": spread(values[1:]),
            "next": said_next(ghosts),
        },
        [
            *(
                [
                    _(
                        "The first {n} rows, the sinks, are the same in every layer: nothing that "
                        "they were made of has gone."
                    ).format(n=n_before)
                ]
                if n_before
                else []
            ),
            _(
                "With every number in float64 keys are off by {keys} there: it is no rounding, "
                "which is {times} smaller in float64."
            ).format(
                keys=spread(mean_off(found.exact.own_places, found.exact, "keys")[1:]),
                times="5 × 10⁸ times",
            ),
            begun_anew(ghosts),
            _(
                "Published, of StreamingLLM: to slide with sinks is up to {times} as fast as to "
                "compute the window afresh for each token."
            ).format(times="22.2×"),
        ],
        facts={
            "n-evicted": ghosts.n_evicted,
            "n-behind": int(behind.sum()),
            "same-layers": " ".join(str(layer) for layer in np.flatnonzero(same)),
            "keys-off": " ".join(f"{off:.4g}" for off in keys),
            "values-off": " ".join(f"{off:.4g}" for off in values),
            "exact-keys-off": " ".join(
                f"{off:.4g}" for off in mean_off(found.exact.own_places, found.exact, "keys")
            ),
            "kl": f"{ghosts.kl_nats:.4g}",
            "same-next": int(ghosts.same_argmax),
        },
    )


def mean_off(afresh: ComputedAfresh, ghosts: GhostRows, part: str) -> Float64[np.ndarray, " layer"]:
    """Return how far rows behind what fell out are off, a mean by layer; in lengths of a row."""
    return getattr(afresh, part)[:, :, ghosts.is_behind].mean(axis=(1, 2))


def spread(off: Float64[np.ndarray, " layer"]) -> str:
    """Say between which shares of a row's length layers are off."""
    least, most = off.min(initial=np.inf), off.max(initial=0.0)
    if not off.size:
        return _("nothing, since there is one layer")
    # Translators: two shares such as 2 % and 7 %.
    return _("{least} to {most}").format(least=share(least), most=share(most))


def share(off: float) -> str:
    """Return a share with two digits that count, as ``2.4 %``.

    Example:
        >>> share(0.0243), share(2.81), share(0.0)
        ('2.4 %', '281 %', '0 %')
    """
    if not off:
        return "0 %"
    return f"{100 * off:.2g} %" if off < 0.995 else f"{100 * off:.0f} %"


def said_of_first(is_same: bool) -> str:
    """Say what of the first layer."""
    if is_same:
        return _("In the first layer all are the same to the last bit.")
    return _("Not even in the first layer all are the same.")


def said_next(ghosts: GhostRows) -> str:
    """Say what comes next of it."""
    kl = f"{ghosts.kl_nats:.2g}"
    if ghosts.same_argmax:
        return _("The likeliest next token is the same, {kl} nats apart.").format(kl=kl)
    return _("The likeliest next token is another one, {kl} nats apart.").format(kl=kl)


def begun_anew(ghosts: GhostRows) -> str:
    """Say what of the first layer is left if the same tokens begin a text of their own."""
    anew = ghosts.begun_anew
    keys, values = (mean_off(anew, ghosts, part)[0] for part in ("keys", "values"))
    if values:
        return _(
            "Read from place 0 on, as a text of their own, not even their first layer is the same "
            "(keys {keys} off, values {values}): this model adds a learned position to a token "
            "before its first layer."
        ).format(keys=share(keys), values=share(values))
    return _(
        "Read from place 0 on, as a text of their own, their values in the first layer are the "
        "same still, and keys {keys} off: this model tells positions by turning keys."
    ).format(keys=share(keys))


def by_layer(found: SlidWindow) -> str:
    """Return how far rows are off in each layer, as a table."""
    ghosts, behind = found.ghosts, found.ghosts.is_behind
    own = ghosts.own_places
    columns = [
        mean_off(own, ghosts, "keys"),
        mean_off(own, ghosts, "values"),
        mean_off(found.exact.own_places, found.exact, "keys"),
        mean_off(ghosts.begun_anew, ghosts, "keys"),
    ]
    n_same = own.is_same[:, behind].sum(axis=1)
    header = [
        _("layer"),
        _("rows that are the same"),
        _("keys off"),
        _("values off"),
        _("keys off, in float64"),
        _("keys off, begun anew at place 0"),
    ]
    body = [
        [
            str(layer),
            f"{n_same[layer]} / {int(behind.sum())}",
            *(share(one[layer]) for one in columns),
        ]
        for layer in range(n_same.size)
    ]
    return table("ghost-table", header, body)
