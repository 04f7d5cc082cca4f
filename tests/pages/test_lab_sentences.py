"""What the cache lab tells is true whatever is read: a story, a recipe, a talk.

Of a text of one's own the engine is asked once more. What is told of held-out stories follows from
numbers alone, and is held to them for numbers that nobody chose.
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
    spared_name,
    spared_ways,
    stretches,
)
from tests.pages.test_fewer_bits import KINDS

TEXTS = {"story": TEXT, "recipe": KINDS[0], "talk": KINDS[1]}


@pytest.mark.parametrize("kind", TEXTS)
def test_which_of_a_part_and_its_control_is_nearer(model, kind):
    ids = model.tokenize(TEXTS[kind])
    part = KeptPart("heavy", 8)
    control = control_words(part.for_engine)
    n_prompt = len(ids) - 12
    found = judgement(
        model,
        ids,
        [part.for_engine, control],
        n_prompt=n_prompt,
        progress=lambda *_at: None,
        cancel=lambda: False,
    )
    run = SimpleNamespace(words=part.for_engine, control=control)
    verdict = keep.told(run, part, found, is_recorded=False)
    kinds = [caches.HeavyHitters(8), caches.Random(8)]
    own, other = judge_all(model, ids, kinds, n_prompt=n_prompt)
    apart = own.divergences - other.divergences
    is_sure = abs(apart.mean()) > 2 * apart.std(ddof=1) / np.sqrt(apart.size)
    nearer = keep.LOT if apart.mean() > 0 else beside_control.WAY
    assert verdict.right == [{nearer if is_sure else beside_control.ALIKE}]
    told = verdict.told
    assert (told["kl"], told["control_kl"]) == (f"{own.kl_nats:.3f}", f"{other.kl_nats:.3f}")
    assert told["more"] == f"{own.loss_nats - own.full_loss_nats:+.3f}"
    assert told["same"] == int(own.same.sum())


def losses(names, seed):
    """Return what ways might cost on one story, in numbers that nobody chose."""
    draw = np.random.default_rng(seed)
    ones = {name: np.ones(1) for name in names}
    more = {name: draw.uniform(-0.2, 2, 1) for name in names}
    sizes = dict.fromkeys(names, 7)
    return StoryLosses(64, 32, np.array([3.0]), more, ones, ones, sizes, 9)


@pytest.mark.parametrize("seed", range(3))
def test_what_sinks_budgets_and_layers_are_told_to_cost(seed):
    words = sinks.sink_words()
    found = losses(words.values(), seed)
    verdict = sinks.told(Found(found, False))
    cost = {n: float(found.more[words[n]][0]) for n in SINKS}
    for n in SINKS:
        assert verdict.told[f"with_{n}"] == f"{cost[n]:+.2f}"
    left = cost[1] / cost[0] if cost[0] > 0 else 1.0
    assert verdict.told["left"] == f"{left:.0%}"
    assert verdict.right == [{"most" if left >= 2 / 3 else "little" if left < 1 / 3 else "half"}]

    of_lines = {name: line.words(budgets.ASKED_AT) for name, line in LINES.items()}
    found = losses(of_lines.values(), seed)
    verdict = budgets.told(Found(found, False))
    assert verdict.right == [{min(budgets.ASKED, key=lambda name: found.more[of_lines[name]][0])}]
    for name, one in of_lines.items():
        assert verdict.told[name.replace("-", "_")] == f"{found.more[one][0]:+.2f}"

    found = losses(spared_ways(12), seed)
    verdict = sparing.told(Found(found, False))
    tried = stretches(12)
    assert [*map(len, tried)] == [2] * 6
    lot = [float(found.more[spared_name("lot", one)][0]) for one in tried]
    worst = int(np.argmax(lot))
    assert verdict.right == [{("first", "first", "middle", "middle", "last", "last")[worst]}]
    assert verdict.told["most"] == f"{max(lot):+.2f}"
    assert verdict.told["least"] == f"{min(lot):+.2f}"
    assert verdict.told["worst"] == f"layers {2 * worst} to {2 * worst + 1}"


def test_layers_are_cut_into_stretches_that_the_engine_takes():
    from kvviz.engine.caches.cache_words import cache_of

    for n_layers in (2, 4, 6, 30):
        tried = stretches(n_layers)
        assert [layer for one in tried for layer in one] == [*range(n_layers)]
        for name, words in spared_ways(n_layers).items():
            budget = cache_of(words).budget
            few = [layer for layer, rows in enumerate(budget) if rows != 1.0]
            assert name.endswith(f":{few[0]}-{few[-1]}")


@pytest.mark.parametrize(("left", "answer"), [(0.9, "all"), (0.5, "some"), (0.05, "nothing")])
def test_what_is_left_of_a_telling_is_the_share_of_the_gains(left, answer):
    near, far = 1.5, 1.2
    gains = {name: np.array([[near, near, near, far * left]]) for name in forgetful.NAMES}
    gains[FULL] = np.array([[near, near, near, far]])
    verdict = forgetful.told(Found(Gains(DISTANCES, gains), False))
    assert verdict.right == [{answer}]
    assert verdict.told["sinks"] == f"{far * left:+.2f}"
    assert verdict.told["full"] == f"{far:+.2f}"
