import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.translation import gettext as _
from kvviz.translation import ngettext, using
from kvviz.translation.pseudo import pseudo

LETTER = re.compile(r"[A-Za-z]")
KEPT = [
    "{n:,}", "{name!r}", "{{", "}}", "%{y:.4s}", "<b>", '<a href="x" data-kvviz="y">', "<br>",
    "&amp;", "`KVVIZ_MODELS`", ":material/info:", "https://example.org/a?b=c",
]  # fmt: skip


@pytest.mark.parametrize("kept", KEPT)
def test_what_is_not_words_stays(kept):
    text = pseudo(f"Take {kept} and go on")
    assert kept in text
    assert not LETTER.search(text.replace(kept, ""))


@given(st.text("abcdefghij ABEIOU.,:", min_size=1).filter(str.strip))
def test_every_letter_is_accented_and_the_text_is_longer_by_two_fifths(text):
    changed = pseudo(text)
    assert not LETTER.search(changed)
    within = changed.strip()
    assert within[0] + within[-1] == "⟦⟧"
    assert len(within) - 2 == pytest.approx(1.4 * len(text.strip()), abs=1)


def test_white_space_at_the_ends_stays_outside():
    assert pseudo(" so ") == " ⟦šöö⟧ "
    assert pseudo("") == ""


def test_messages_are_looked_up_in_it():
    with using("en-XA"):
        assert _("It is {kind}.").format(kind="x") == "⟦Îîţ îîš x.~⟧"
        one, two = (ngettext("{n} token", "{n} tokens", n).format(n=n) for n in (1, 2))
    assert (one, two) == ("⟦1 ţööķééñ⟧", "⟦2 ţööķééñš~⟧")
