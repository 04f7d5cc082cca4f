"""Which word of a prompt is swapped: the nearest that can be, found with few tries."""

import pytest

from kvviz.trace.conversation import Conversation, Turn
from kvviz.ui.pages.kv_cache.edited_token import SPARE_WORDS, Edit, edit


class Words:
    """A model whose tokens are words, but for long ones, which are two, and cannot be swapped."""

    def __init__(self):
        self.n_cut = 0

    def begun_ids(self, asked):
        self.n_cut += 1
        text = asked if isinstance(asked, str) else " ".join(turn.content for turn in asked.turns)
        parts = ((word[:4], word[4:]) for word in text.split(" "))
        return [hash(part) for halves in parts for part in halves if part]


def nearest(prompt, wanted):
    """Return the swap that a search of all words finds."""
    model, words, found = Words(), prompt.split(" "), []
    before = model.begun_ids(prompt)
    for number, word in enumerate(words):
        spare = next(one for one in SPARE_WORDS if one != word)
        edited = " ".join([*words[:number], spare, *words[number + 1 :]])
        after = model.begun_ids(edited)
        if len(after) == len(before):
            (position,) = (i for i, (a, b) in enumerate(zip(after, before, strict=True)) if a != b)
            found.append(Edit(edited, edited, position, spare, len(before)))
    return min(found, key=lambda one: abs(one.position - wanted), default=None)


@pytest.mark.parametrize(
    "prompt", ["one", "cats sleep", "a strange tale of elephants and me", "sleeping elephants"]
)
def test_the_word_nearest_to_what_is_wanted_is_swapped(prompt):
    for wanted in range(len(Words().begun_ids(prompt))):
        assert edit(Words(), prompt, wanted) == nearest(prompt, wanted)


def test_of_a_conversation_a_word_of_a_turn_is_swapped():
    chat = Conversation((Turn("user", "cats sleep"), Turn("assistant", "and dogs bark")))
    found = edit(Words(), chat, 3)
    assert found.asked.turns == (chat.turns[0], Turn("assistant", "one dogs bark"))
    assert (found.text, found.position, found.word) == ("one dogs bark", 3, "one")


def test_of_a_long_prompt_a_few_words_are_tried():
    prompt = "the cat sees elephants " * 500
    for near in (None, 1000):
        model = Words()
        assert edit(model, prompt, near).position == (5 if near is None else near)
        assert model.n_cut <= 2 + 4 * len(SPARE_WORDS)
