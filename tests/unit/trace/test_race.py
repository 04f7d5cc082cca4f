import json
from dataclasses import replace

import numpy as np
import pytest

from kvviz.errors import TraceError
from kvviz.trace.ceilings import Ceilings
from kvviz.trace.race import race_bytes
from kvviz.trace.step_profile import PARTS, StepProfile
from tests.races import CARD, made_up_race


def test_a_race_tells_its_shape_and_goes_into_json():
    race = made_up_race(batch=2)
    assert (race.batch, race.n_new, race.n_repeats, race.same_tokens) == (2, 4, 1, True)
    told = json.loads(json.dumps(race.to_json()))
    assert told["uncached_step_seconds"] == [[0.5, 2.0, 3.0, 10.0]]
    assert told["model"]["name"] == "tiny"
    other = race.token_ids.copy()
    other[1, -1] += 1
    assert not replace(race, uncached_token_ids=other).same_tokens


@pytest.mark.parametrize(
    "change",
    [
        {"cached_seconds": np.ones((2, 4))},
        {"uncached_seconds": np.ones((1, 3))},
        {"cache_bytes": np.ones(3, dtype=np.int64)},
        {"n_prompt": 4},
        {"n_asked": 0},
        {"rows": 3, "sinks": 3},
        {"sinks": 1},
        {"cached_seconds": np.array([[1.0, 0.0, 1.0, 1.0]])},
        {"cached_seconds": np.array([[1.0, np.nan, 1.0, 1.0]])},
    ],
)
def test_parts_that_contradict_each_other_are_no_race(change):
    with pytest.raises(TraceError):
        replace(made_up_race(), **change)


def test_bytes_of_a_race_by_hand():
    """10 tokens: 3 layers x 2 heads x 4 wide x 2 x 4 B a token; 32 inner numbers beat 2 x 10."""
    assert race_bytes(CARD, 10, 3).cache == 192 * 10 * 3
    assert race_bytes(CARD, 10, 3).widest == 2 * 10 * 32 * 3 * 4
    assert race_bytes(CARD, 40, 1).widest == 2 * 2 * 40 * 40 * 4
    assert race_bytes(CARD, 40, 1).total == 192 * 40 + 2 * 2 * 40 * 40 * 4


def test_a_profile_is_read_by_its_medians():
    seconds = np.arange(3 * len(PARTS), dtype=float).reshape(3, -1)
    profile = StepProfile(CARD, 1, 9, 1, seconds, np.array([5.0, 1.0, 2.0]))
    assert profile.parts["embeddings"] == len(PARTS)
    assert profile.whole == 2.0
    assert profile.total == seconds[1].sum()
    with pytest.raises(TraceError):
        StepProfile(CARD, 1, 9, 1, seconds[:2], np.ones(3))
    with pytest.raises(TraceError):
        StepProfile(CARD, 1, 9, 1, -seconds, np.ones(3))


def test_ceilings_meet_at_the_ridge():
    ceilings = Ceilings(10e9, 50e9, 1, 1, "float32", "cpu", 1, 7)
    assert ceilings.ridge == 5.0
    with pytest.raises(TraceError):
        replace(ceilings, bytes_per_second=0.0)
