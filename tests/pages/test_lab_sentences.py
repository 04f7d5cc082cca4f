"""What the cache lab tells is true whatever is read: a story, a recipe, a talk.

Of a text of one's own the engine is asked once more. What is told of held-out stories follows from
numbers alone, and is held to them for numbers that nobody chose.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from kvviz import caches
from kvviz.engine import judge_all
from kvviz.engine.caches.cache_words import cache_of, control_of
from kvviz.lessons import lessons
from kvviz.ui.pages.cache_lab import beside_control, budgets, forgetful, keep, sinks, sparing
from kvviz.ui.pages.cache_lab.control import control_words, named
from kvviz.ui.pages.cache_lab.judgement import judgement
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


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (KeptPart("window", 32, 4), "32 rows a head by lot, 50% of them the last ones, 4 sinks"),
        (KeptPart("window", 9, 1), "9 rows a head by lot, 50% of them the last ones, 1 sink"),
        (KeptPart("heavy", 32), "32 rows a head by lot, 50% of them the last ones, 0 sinks"),
        (KeptPart("least", 20), "20 rows a head by lot, 0% of them the last ones, 0 sinks"),
        (KeptPart("observed", 32), "32 rows of the prompt by lot, once"),
        (KeptPart("random", 32, 4), None),
    ],
    ids=lambda one: one.way if isinstance(one, KeptPart) else "",
)
def test_a_control_is_named_as_the_engine_reads_it(part, told):
    words = control_words(part.for_engine)
    assert (words if words is None else named(words)) == told
    if words is not None:
        control = cache_of(words)
        assert control == control_of(cache_of(part.for_engine))
        assert str(control.budget) in told
    with pytest.raises(ValueError, match="heavy"):
        named("heavy:32")


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


@pytest.mark.parametrize(
    ("without", "with_one", "says", "right"),
    [
        (1.0, 0.8, "helps: 80 % of that is left", {"most"}),
        (1.0, 0.5, "helps: 50 % of that is left", {"half"}),
        (1.0, 0.1, "helps: 10 % of that is left", {"little"}),
        (1.0, -0.1, "helps: nothing of that is left", {"little"}),
        # Not on every text does a sink help, and not on every text does a window cost anything.
        (0.3, 0.3, "does not help", {"most"}),
        (0.3, 0.4, "does not help", {"most"}),
        (0.0, -0.1, "costs nothing here", set()),
        (-0.1, 0.4, "costs nothing here", set()),
    ],
)
def test_whether_a_sink_helps_is_what_came_out(without, with_one, says, right):
    words = sinks.sink_words()
    found = losses(words.values(), 0)
    found.more[words[0]][:], found.more[words[1]][:] = without, with_one
    verdict = sinks.told(Found(found, False))
    assert says in verdict.told["outcome"]
    assert verdict.right == [right]


def test_a_sentence_on_stories_says_that_they_are_held_out():
    """Whose text is meant must be said where it is not the visitor's own."""
    for question in (
        "loss-by-budget", "sinks", "needle", "spare-layers", "bits-axis", "bits-part",
        "fewer-numbers",
    ):  # fmt: skip
        assert "held-out stor" in lessons().question(question).told


def test_layers_are_cut_into_stretches_that_the_engine_takes():
    from kvviz.engine.caches.cache_words import cache_of

    for n_layers in (2, 4, 6, 30):
        tried = stretches(n_layers)
        assert [layer for one in tried for layer in one] == [*range(n_layers)]
        for name, words in spared_ways(n_layers).items():
            budget = cache_of(words).budget
            few = [layer for layer, rows in enumerate(budget) if rows != 1.0]
            assert name.endswith(f":{few[0]}-{few[-1]}")


@pytest.mark.parametrize(
    ("left", "answer", "says"),
    [
        (1.1, "all", "all of it is left"),
        (0.9, "all", "90 % of it"),
        (0.5, "some", "50 % of it"),
        (0.05, "nothing", "5.0 % of it"),
        (-0.1, "nothing", "nothing of it is left"),
    ],
)
def test_what_is_left_of_a_telling_is_the_share_of_the_gains(left, answer, says):
    near, far = 1.5, 1.2
    gains = {name: np.array([[near, near, near, far * left]]) for name in forgetful.NAMES}
    gains[FULL] = np.array([[near, near, near, far]])
    verdict = forgetful.told(Found(Gains(DISTANCES, gains), False))
    assert verdict.right == [{answer}]
    assert says in verdict.told["outcome"]
    assert verdict.told["sinks"] == f"{far * left:+.2f}"
    assert verdict.told["full"] == f"{far:+.2f}"
    gains[FULL] = np.array([[near, near, near, -far]])
    verdict = forgetful.told(Found(Gains(DISTANCES, gains), False))
    assert verdict.right == [set()]
    assert "nothing was there to be forgotten" in verdict.told["outcome"]
