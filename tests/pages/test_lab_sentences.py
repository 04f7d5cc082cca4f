"""What the cache lab tells of held-out texts is true for three kinds: a story, a recipe, a talk.

Each sentence is told of what was measured; here it is told of texts that nobody chose for it, and
held to what the engine says of the very same tokens.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from kvviz import caches
from kvviz.engine import judge_all
from kvviz.ui.pages.cache_lab import beside_control, budgets, forgetful, keep, sinks, sparing
from kvviz.ui.pages.cache_lab.judgement import control_words, judgement
from kvviz.ui.pages.cache_lab.kept_part import KeptPart
from kvviz.ui.pages.cache_lab.measured_here import Found
from kvviz.ui.pages.cache_lab.needle import DISTANCES, FULL, Gains
from kvviz.ui.pages.cache_lab.settings import TEXT
from kvviz.ui.pages.cache_lab.story_losses import StoryLosses
from kvviz.ui.pages.cache_lab.story_ways import (
    LINES,
    SINKS,
    sink_ways,
    spared_name,
    spared_ways,
    stretches,
)
from tests.pages.test_fewer_bits import KINDS

TEXTS = {"story": TEXT, "recipe": KINDS[0], "talk": KINDS[1]}


def read(model, text, words):
    """Return what a text comes to, fed token by token to ways of keeping rows."""
    ids = [*model.first_ids, *model.tokenize(text)]
    return judgement(
        model,
        ids,
        list(words),
        n_prompt=1,
        first=len(ids) // 2,
        progress=lambda *_at: None,
        cancel=lambda: False,
    )


def losses(found, ways):
    """Return a judgement of one text as that of so many stories."""
    return StoryLosses(
        2 * found.n_scored,
        found.n_scored,
        np.array([found.full_loss]),
        {name: np.array([found.more(one).mean()]) for name, one in ways.items()},
        {name: np.array([found.caches[one].kl]) for name, one in ways.items()},
        {name: np.array([found.caches[one].same.mean()]) for name, one in ways.items()},
        {name: found.caches[one].n_bytes for name, one in ways.items()},
        found.full_bytes,
    )


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("words", ["window:6+2", "heavy:8"])
def test_which_of_a_part_and_its_control_is_nearer(model, kind, words):
    ids = model.tokenize(TEXTS[kind])
    part = KeptPart(words.partition(":")[0], 8, 2 if "+" in words else 0)
    control = control_words(part.for_engine)
    found = judgement(
        model,
        ids,
        [part.for_engine, control],
        n_prompt=len(ids) // 2,
        progress=lambda *_at: None,
        cancel=lambda: False,
    )
    run = SimpleNamespace(words=part.for_engine, control=control)
    verdict = keep.told(run, part, found, is_recorded=False)
    kinds = (
        [caches.Window(6, 2), caches.Random(8, sinks=2)]
        if "+" in words
        else [caches.HeavyHitters(8), caches.Random(8)]
    )
    own, other = judge_all(model, ids, kinds, n_prompt=len(ids) // 2)
    apart = own.divergences - other.divergences
    is_sure = abs(apart.mean()) > 2 * apart.std(ddof=1) / np.sqrt(apart.size)
    nearer = keep.LOT if apart.mean() > 0 else beside_control.WAY
    assert verdict.right == [{nearer if is_sure else beside_control.ALIKE}]
    told = verdict.told
    assert (told["kl"], told["control_kl"]) == (f"{own.kl_nats:.3f}", f"{other.kl_nats:.3f}")
    assert told["more"] == f"{own.loss_nats - own.full_loss_nats:+.3f}"
    assert told["same"] == int(own.same.sum())


@pytest.mark.parametrize("kind", TEXTS)
def test_what_sinks_budgets_and_layers_are_told_to_cost(model, kind):
    at_budget = {
        line.words(budgets.ASKED_AT): line.words(budgets.ASKED_AT) for line in LINES.values()
    }
    by_layer = spared_ways(model.card.n_layers)
    every = [*sink_ways().values(), *at_budget.values(), *by_layer.values()]
    found = read(model, TEXTS[kind], dict.fromkeys(every))

    costs = losses(found, sink_ways())
    verdict = sinks.told(Found(costs, False))
    by_sinks = [found.caches[words].loss - found.full_loss for words in sinks.sink_words().values()]
    for n, cost in zip(SINKS, by_sinks, strict=True):
        assert verdict.told[f"with_{n}"] == f"{cost:+.2f}"
    left = by_sinks[1] / by_sinks[0] if by_sinks[0] > 0 else 1.0
    assert verdict.told["left"] == f"{left:.0%}"
    assert verdict.right == [{"most" if left >= 2 / 3 else "little" if left < 1 / 3 else "half"}]
    # The reason: heads rest on the first rows, so that without them a window costs more.
    assert max(by_sinks[1:]) < by_sinks[0]

    verdict = budgets.told(Found(losses(found, at_budget), False))
    cost = {name: found.caches[line.words(budgets.ASKED_AT)].loss for name, line in LINES.items()}
    assert verdict.right == [{min(budgets.ASKED, key=cost.__getitem__)}]
    for name in LINES:
        assert verdict.told[name.replace("-", "_")] == f"{cost[name] - found.full_loss:+.2f}"

    verdict = sparing.told(Found(losses(found, by_layer), False))
    tried = stretches(model.card.n_layers)
    lot = [found.caches[by_layer[spared_name("lot", one)]].loss for one in tried]
    worst = tried[int(np.argmax(lot))]
    assert sparing.third_of(worst, model.card.n_layers) in verdict.right[0]
    assert verdict.told["most"] == f"{max(lot) - found.full_loss:+.2f}"
    assert verdict.told["worst"] == f"layer {worst.start}"


@pytest.mark.parametrize(("left", "answer"), [(0.9, "all"), (0.5, "some"), (0.05, "nothing")])
def test_what_is_left_of_a_telling_is_the_share_of_the_gains(left, answer):
    near, far = 1.5, 1.2
    gains = {name: np.array([[near, near, near, far * left]]) for name in forgetful.NAMES}
    gains[FULL] = np.array([[near, near, near, far]])
    verdict = forgetful.told(Found(Gains(DISTANCES, gains), False))
    assert verdict.right == [{answer}]
    assert verdict.told["sinks"] == f"{far * left:+.2f}"
    assert verdict.told["full"] == f"{far:+.2f}"


def test_a_span_that_fell_out_of_a_window_gains_nothing_whatever_it_says(model):
    """The point of the needle, for spans of three kinds in a host of another."""
    spans = [model.tokenize(text)[:16] for text in TEXTS.values()]
    hosts = [model.tokenize(text) for text in (KINDS[1], TEXT, TEXT)]
    for span, host in zip(spans, hosts, strict=True):
        ids = [*host[:12], *span, *host[12:36], *span]
        found = judge_all(model, ids, [caches.Window(12, 4)], first=12)[0]
        own, full = found.losses, found.full_losses
        gained, remembered = (one[:16].mean() - one[-16:].mean() for one in (own, full))
        assert remembered > 0.5
        assert gained < 0.5 * remembered
