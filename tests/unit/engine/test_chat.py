"""Conversations: what the chat template makes of them, and what a run is told of it."""

import numpy as np
import pytest
from transformers import AutoTokenizer

from kvviz.engine import load_model, trace_both, trace_generation, trace_together
from kvviz.engine.models import chat_template
from kvviz.errors import OptionsError, PromptError
from tests.tiny_chat import ALTERNATING, ENDLESS, SPECIAL, TEMPLATE, tiny_chat

ASKED = [{"role": "user", "content": "The cat sat"}]
TALK = [*ASKED, {"role": "assistant", "content": "on the"}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_chat(tmp_path_factory.mktemp("chat"))


@pytest.fixture(scope="module")
def model(folder):
    return load_model(folder, device="cpu")


@pytest.fixture
def with_template(model, monkeypatch):
    """Give the model another template."""
    return lambda template: monkeypatch.setattr(model._tokenizer, "chat_template", template)


@pytest.mark.parametrize("talk", [ASKED, [{"role": "system", "content": "Be brief."}, *TALK]])
def test_a_conversation_is_read_as_transformers_would_read_it(folder, model, talk):
    goes_on = talk[-1]["role"] == "assistant"
    theirs = AutoTokenizer.from_pretrained(folder).apply_chat_template(
        talk,
        return_dict=False,
        add_generation_prompt=not goes_on,
        continue_final_message=goes_on,
    )
    trace = trace_generation(model, talk, max_new_tokens=3)
    assert trace.token_ids[: trace.n_prompt].tolist() == theirs
    assert trace.conversation.messages == talk
    assert trace.prompt.endswith("on the" if goes_on else "<|endoftext|>assistant:")
    assert SPECIAL in trace.special_ids
    assert trace.tokens[0] == "<|endoftext|>"
    for other in (
        trace_both(model, trace.conversation, max_new_tokens=3).cached,
        trace_together(model, [talk, "The cat"], max_new_tokens=3)[0],
    ):
        assert np.array_equal(other.token_ids, trace.token_ids)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (ALTERNATING, r"It says: No system here\. Change the turns"),
        ("{{ messages.nothing() }}", "It says: "),
        ("{% if %}", "It says: "),
        ("   ", "It writes nothing"),
        (ENDLESS, "It does not come to an end"),
    ],
    ids=["refuses", "fails", "is no template", "is silent", "is endless"],
)
def test_a_template_that_fails_is_one_sentence(model, with_template, monkeypatch, template, words):
    monkeypatch.setattr(chat_template, "MOST_SECONDS", 0.2)
    with_template(template)
    talk = [{"role": "system", "content": "Be brief."}, *ASKED]
    with pytest.raises(PromptError, match=words):
        trace_generation(model, talk, max_new_tokens=1)
    with_template(TEMPLATE)
    assert trace_generation(model, talk, max_new_tokens=1).n_tokens > 1


def test_a_model_without_a_template_takes_no_conversation(model, with_template):
    with_template(None)
    assert not model.has_chat_template
    with pytest.raises(PromptError, match="has no chat template"):
        trace_generation(model, ASKED, max_new_tokens=1)


def test_a_prompt_can_be_read_a_token_a_step(model):
    text = "The cat sat on the mat"
    whole = trace_generation(model, text, max_new_tokens=1)
    both = trace_both(model, text, max_new_tokens=1, first=3)
    read, n = both.cached, whole.n_prompt
    assert both.same_tokens
    assert both.max_logit_difference < 1e-4
    assert read.token_ids.tolist() == whole.token_ids.tolist()
    assert (read.n_prompt, len(read.steps), read.options.n_given) == (3, n - 2, n - 3)
    assert (read.n_rows, read.stopped) == (n, "length")
    assert [step.computed.size for step in read.steps] == [3] + [1] * (n - 3)


@pytest.mark.parametrize("first", [0, 99, 1.5, True])
def test_a_part_of_a_prompt_that_cannot_be_is_refused(model, first):
    with pytest.raises(OptionsError, match="The prefill reads 1 to 4 tokens"):
        trace_generation(model, "The cat sat on", first=first)
