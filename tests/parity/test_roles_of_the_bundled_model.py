"""The rules for head roles find real structure in the model that ships, and none in noise."""

import pytest

import kvviz
from kvviz.analysis import head_roles, probe_prompt
from tests.factories import make_card, make_trace

STORY = (
    "Once upon a time there was a little girl named Lily. She lived in a small house near the "
    "forest with her mother and her father. One day she went to the forest and found a red ball."
)


@pytest.fixture(scope="module")
def model():
    return kvviz.load_model("kvviz/gpt2-mini", device="cpu")


def found(trace):
    return {role.role for role in head_roles(trace)}


@pytest.mark.parametrize("seed", range(3))
def test_previous_token_and_induction_heads_show_on_a_probe(model, seed):
    trace = kvviz.trace_generation(model, probe_prompt(seed), max_new_tokens=1)
    assert {"previous-token", "induction"} <= found(trace)


def test_a_head_rests_on_the_first_token_of_a_story(model):
    trace = kvviz.trace_generation(model, STORY, max_new_tokens=8)
    assert {"previous-token", "first-token"} <= found(trace)


def test_random_heads_have_no_role():
    card = make_card(n_layers=6, n_heads=8, d_head=32, d_vocab=4096)
    tokens = [*range(100, 140), *range(100, 140), 7]
    assert head_roles(make_trace(n_prompt=80, n_new=1, card=card, token_ids=tokens)) == ()
