"""The experiment: keep, freeze or renumber positions once rows have gone."""

from __future__ import annotations

from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import first_sight, run_player, window_controls
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.kept_part import KeptPart
from kvviz.ui.pages.cache_lab.positions.counted import FROZEN, KEPT, RENUMBERED, Counted, make
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict, Work
from kvviz.ui.parts.tables import table

ANSWERS = {
    KEPT: N_("kept: their places in the text"),
    FROZEN: N_("frozen: right behind the rows that are left"),
    RENUMBERED: N_("renumbered: sinks moved up to the window"),
}


def draw(bench: Bench) -> None:
    """Draw the experiment."""
    with bench.card:
        part = window_controls.draw(bench.state)
    asked = experiment(bench, part)
    found: Counted | None = bench.done(asked)
    if found is None:
        first_sight.window(bench, asked, part, new=bench.settings.new, slides=False)
        return
    with bench.stage:
        run_player.draw(
            bench,
            found.shown,
            _(
                "Here the run is shown that keeps its positions. “{page}” shows one with every "
                "row, and without any."
            ),
        )


def experiment(bench: Bench, part: KeptPart) -> Experiment:
    """Return the experiment with one text and one window."""
    wanted = bench.settings
    return Experiment(
        "positions-after-eviction",
        [Choice({name: _(label) for name, label in ANSWERS.items()})],
        told,
        words={"rows": part.rows, "way": part.told},
        about=(wanted.model, wanted.text, str(part), wanted.new),
        work=task(bench, part),
    )


def task(bench: Bench, part: KeptPart) -> Work:
    """Return the work that reads the text in each way."""
    # Translators: stands before "12 of 54", tokens of the text.
    said = _("Reading the second half, positions counted in each way")
    return bench.run_task("positions", (part, bench.settings.text, bench.settings.new), said, make)


def told(found: Counted) -> Verdict:
    """Say what each way of counting costs."""
    judged = found.found
    caches = judged.caches
    kept, frozen = caches[KEPT], caches[FROZEN]
    facts: dict[str, object] = {
        "n-scored": judged.n_scored,
        "full-loss": f"{judged.full_loss:.4f}",
        "frozen-at": found.frozen_at,
    }
    for name, one in caches.items():
        facts |= {
            f"{name}-kl": f"{one.kl:.4f}",
            f"{name}-loss": f"{one.loss:.4f}",
            f"{name}-same": one.n_same,
        }
    return Verdict(
        [found.nearest],
        {
            "n": judged.n_scored,
            "kept": f"{kept.kl:.3f}",
            "kept_more": f"{kept.loss - judged.full_loss:+.3f}",
            "frozen": f"{frozen.kl:.3f}",
            "frozen_more": f"{frozen.loss - judged.full_loss:+.3f}",
            "renumbered": renumbered(found),
        },
        [
            _(
                "The rows that are kept are the same in all ways, and so are their bytes. Frozen, "
                "every new token is told that it stands at position {at}; kept, the last one was "
                "at {last}."
            ).format(at=found.frozen_at, last=found.shown.trace.n_prompt - 2),
        ],
        html=table(
            "position-table",
            [_("positions"), _("KL, nats a token"), _("loss, nats a token"), _("same likeliest")],
            [
                [_("every row"), "0", f"{judged.full_loss:.3f}", f"{judged.n_scored}"],
                *(
                    [_(ANSWERS[name]), f"{one.kl:.3f}", f"{one.loss:.3f}", f"{one.n_same}"]
                    for name, one in caches.items()
                ),
            ],
        ),
        facts=facts,
    )


def renumbered(found: Counted) -> str:
    """Say what renumbering costs, or why it cannot be done."""
    one = found.found.caches.get(RENUMBERED)
    if one is None:
        return _(
            "Renumbered they cannot be here: this model adds a learned position to a token, and "
            "nobody can take it out of a row again."
        )
    return _("Renumbered: {kl} nats ({more}).").format(
        kl=f"{one.kl:.3f}", more=f"{one.loss - found.found.full_loss:+.3f}"
    )
