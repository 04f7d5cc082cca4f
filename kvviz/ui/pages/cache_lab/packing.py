"""In how many bits rows are kept and along what they are grouped, as links and controls say it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from kvviz.errors import OptionsError
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.shell.links import Reader

BITS = (1, 2, 4, 8, None)
"""None for a part that is kept whole."""
GROUPS = (8, 16, 32, 64)
AXES = {"channel": N_("by channel"), "token": N_("by token")}
"""Along what the numbers of a group lie: one number of many rows, or many numbers of one row."""
SOURCE = (
    "Liu et al. (2024), KIVI: A Tuning-Free Asymmetric 2bit Quantization for KV Cache, sections "
    "3.1 and 3.2, arXiv 2402.02750."  # not for people: a source
)
_WHOLE = "none"  # not for people: a word of links
_WORDS = re.compile(r"(\d|none)/(\d|none),(\w{1,9})/(\w{1,9}),(\d{1,3})")


@dataclass(frozen=True)
class Packing:
    """How rows are packed.

    Attributes:
        key_bits: One of `BITS`, for a number of a key.
        value_bits: Likewise of a value; one of the two parts is packed.
        keys: One of `AXES`, along which keys are grouped.
        values: Likewise values.
        group: Numbers of a group, one of `GROUPS`.
    """

    key_bits: int | None = 2
    value_bits: int | None = 2
    keys: str = "channel"
    values: str = "token"
    group: int = 16

    def __str__(self) -> str:
        """Return the words of a link."""
        return f"{self._bits},{self.keys}/{self.values},{self.group}"

    @property
    def for_engine(self) -> str:
        """What `cache_of` of the engine reads."""
        axes = f"keys={self.keys},values={self.values}"
        return f"quantised:{self._bits},{axes},group={self.group}"

    @property
    def _bits(self) -> str:
        parts = (self.key_bits, self.value_bits)
        return "/".join(_WHOLE if bits is None else str(bits) for bits in parts)

    @property
    def parts(self) -> tuple[bool, bool]:
        """Whether keys, and whether values are packed."""
        return self.key_bits is not None, self.value_bits is not None

    def check(self) -> None:
        """Hold it to what the engine takes.

        Raises:
            OptionsError: If neither part is packed.
        """
        if not any(self.parts):
            raise OptionsError(
                _("Keys or values are packed, or both."),
                found=_("Both are to be kept whole."),
                fix=_("Choose bits for one of them."),
            )

    @property
    def other_way(self) -> Packing:
        """The control: as many bits, and each part grouped along the other axis."""
        return replace(self, keys=_other(self.keys), values=_other(self.values))

    @property
    def told(self) -> str:
        """What it is called in a sentence, in the language of the page."""
        # Translators: {by} is "by channel" or "by token".
        keys = (
            _("keys whole")
            if self.key_bits is None
            else _("keys in {bits} bits {by}").format(bits=self.key_bits, by=_(AXES[self.keys]))
        )
        values = (
            _("values whole")
            if self.value_bits is None
            else _("values in {bits} bits {by}").format(
                bits=self.value_bits, by=_(AXES[self.values])
            )
        )
        # Translators: what is done with keys, and what with values.
        return _("{keys}, {values}").format(keys=keys, values=values)


def _other(axis: str) -> str:
    return "token" if axis == "channel" else "channel"


def packing(words: str) -> Packing:
    """Return what a link's words say, such as ``2/2,channel/token,16``.

    Raises:
        ValueError: If they say nothing that can be done.
    """
    found = _WORDS.fullmatch(words)
    if found is None:
        raise ValueError
    bits = [None if one == _WHOLE else int(one) for one in found.groups()[:2]]
    one = Packing(bits[0], bits[1], found[3], found[4], int(found[5]))
    if not (
        any(one.parts)
        and {one.key_bits, one.value_bits} <= {*BITS}
        and {one.keys, one.values} <= AXES.keys()
        and one.group in GROUPS
    ):
        raise ValueError
    return one


def packing_reader() -> Reader:
    """Return the reader of a link's bits."""
    return Reader(
        packing,
        lambda: _("bits, axes and a group such as 2/2,channel/token,16 or none/4,token/token,32"),
    )
