import pytest

import kvviz
from kvviz.errors import PromptError, TraceError
from kvviz.trace.conversation import MOST_TURNS, NO_CONVERSATION, Conversation, Turn
from tests.factories import make_trace

CHAT = Conversation((Turn("system", "Be “brief”."), Turn("user", "안녕\n")))


def test_a_conversation_is_the_same_as_text_and_as_a_list():
    assert Conversation.from_json(str(CHAT)) == Conversation.of(CHAT.messages) == CHAT
    assert CHAT
    assert not NO_CONVERSATION
    assert not CHAT.is_to_go_on
    assert Conversation((*CHAT.turns, Turn("assistant", "Hello"))).is_to_go_on


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "no conversation in JSON"),
        ("[" * 100_000, "no conversation in JSON"),
        ('{"role": "user", "content": "a"}', "of type dict"),
        ("[]", "This one has 0"),
        (str([1] * (MOST_TURNS + 1)), "This one has 65. Leave out the oldest"),
        ('[{"role": "user"}]', "Turn 1 is"),
        ('[{"role": "user", "content": 7}]', "Turn 1 is"),
        ('[{"role": "user", "content": "a", "name": "b"}]', "Turn 1 is"),
        ('[{"role": ["user"], "content": "a"}]', "Turn 1 says"),
        ('[{"role": "user", "content": "a"}, {"role": "tool", "content": "b"}]', "Turn 2 says"),
        ('[{"role": "user", "content": "a\\ud800"}]', r"Character 2 of turn 1 is .* U\+D800"),
        ('[{"role": "user", "content": " \\n"}]', "Turn 1 has nothing but white space"),
    ],
)
def test_what_is_no_conversation_is_refused_in_one_line(text, words):
    with pytest.raises(PromptError, match=words) as refused:
        Conversation.from_json(text)
    assert len(str(refused.value)) < 400


def test_a_file_holds_the_turns_and_which_tokens_are_special(tmp_path):
    plain = make_trace()
    special = frozenset({int(plain.token_ids[0]), int(plain.steps[0].top_ids[-1])})
    trace = make_trace(conversation=CHAT, special_ids=special)
    trace.save(tmp_path / "run.npz")
    again = kvviz.open_trace(tmp_path / "run.npz")
    assert (again.conversation, again.special_ids) == (CHAT, special)
    with pytest.raises(TraceError, match="called special"):
        make_trace(special_ids=frozenset({999_999}))
