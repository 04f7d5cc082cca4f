"""What a text of the source looks like to a person: words, markup, or a name for the machine."""

from __future__ import annotations

import re

FILLED = "\x00"
"""Stands where an f-string is filled in."""

_TAG = re.compile(r"<[!/?A-Za-z][^<>]*>|^[^<>]*=\"[^<>]*>|<[!/?A-Za-z][^<>]*$")
_READ_ATTRIBUTES = re.compile(r"\b(?:aria-label|title|alt|placeholder|aria-description)=\"([^\"]*)")
_STYLE = re.compile(r"<style\b.*?(?:</style>|$)|[^{}]*\{[^{}]*:[^{}]*;[^{}]*\}", re.DOTALL)
_KEPT = re.compile(r"%?\{[^{}]*\}|&#?\w+;|`[^`]*`|:material/\w+:|https?://\S+|\x00")
_LETTERS = r"[^\W\d_]"
_WORD = re.compile(rf"(?<![\w.\-/]){_LETTERS}{{2,}}(?:['’]{_LETTERS}+)?(?![\w/\-=(])")
_TWO_WORDS = re.compile(
    rf"(?<![\w.\-/:#]){_LETTERS}[\w'’\-]*[,;:.!?)”]*\s+[“(]?(?:{_LETTERS}{{2,}}|a\b|I\b)[\w'’\-]*(?![\w=(])"
)
_CLASSES = re.compile(r"\s*[a-z]+(?:-[\w\x00]+)+(?:\s+[a-z]+(?:-[\w\x00]+)+)*\s*")
_ONE_CAPITALISED = re.compile(r"[A-Z][a-zé]{2,}[.!?…:]?")


def has_words(text: str) -> bool:
    """Whether a text that is surely shown has any word in it: one of two letters or more.

    Of HTML that is what stands outside its tags, and in an attribute that is read out.
    """
    read = [_without_markup(text), *(one.group(1) for one in _READ_ATTRIBUTES.finditer(text))]
    return any(_WORD.search(_KEPT.sub(" ", part)) for part in read)


def looks_like_a_sentence(text: str) -> bool:
    """Whether a text is probably meant for people, wherever it stands.

    It is if two words stand side by side, if it is one word with a capital, or if it is HTML with a
    word outside its tags or in an attribute that is read out.
    """
    if _CLASSES.fullmatch(text):
        return False
    bare = _without_markup(text)
    if bare != text and "<" in text:
        return has_words(text)
    bare = _KEPT.sub(" ", bare)
    return bool(_TWO_WORDS.search(bare) or _ONE_CAPITALISED.fullmatch(bare.strip()))


def _without_markup(text: str) -> str:
    return _TAG.sub(" ", _STYLE.sub(" ", text))
