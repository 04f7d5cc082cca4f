"""In how many bits rows are kept and along what they are grouped, as links and controls say it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.shell.links import Reader

BITS = (1, 2, 4, 8)
GROUPS = (8, 16, 32, 64)
AXES = {"channel": N_("by channel"), "token": N_("by token")}
"""Along what the numbers of a group lie: one number of many rows, or many numbers of one row."""
SOURCE = (
    "Liu et al. (2024), KIVI: A Tuning-Free Asymmetric 2bit Quantization for KV Cache, sections "
    "3.1 and 3.2, arXiv 2402.02750."  # not for people: a source
)
_WORDS = re.compile(r"(\d)/(\d),(\w{1,9})/(\w{1,9}),(\d{1,3})")


@dataclass(frozen=True)
class Packing:
    """How rows are packed.

    Attributes:
        key_bits: One of `BITS`, for a number of a key.
        value_bits: Likewise of a value.
        keys: One of `AXES`, along which keys are grouped.
        values: Likewise values.
        group: Numbers of a group, one of `GROUPS`.
    """

    key_bits: int = 2
    value_bits: int = 2
    keys: str = "channel"
    values: str = "token"
    group: int = 16

    def __str__(self) -> str:
        """Return the words of a link."""
        bits = f"{self.key_bits}/{self.value_bits}"
        return f"{bits},{self.keys}/{self.values},{self.group}"

    @property
    def for_engine(self) -> str:
        """What `cache_of` of the engine reads."""
        axes = f"keys={self.keys},values={self.values}"
        return f"quantised:{self.key_bits}/{self.value_bits},{axes},group={self.group}"

    @property
    def other_way(self) -> Packing:
        """The control: as many bits, and each part grouped along the other axis."""
        return replace(self, keys=_other(self.keys), values=_other(self.values))

    @property
    def told(self) -> str:
        """What it is called in a sentence, in the language of the page."""
        # Translators: {by_keys} and {by_values} are "by channel" or "by token".
        return _(
            "keys in {key_bits} bits {by_keys}, values in {value_bits} bits {by_values}"
        ).format(
            key_bits=self.key_bits,
            by_keys=_(AXES[self.keys]),
            value_bits=self.value_bits,
            by_values=_(AXES[self.values]),
        )


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
    one = Packing(int(found[1]), int(found[2]), found[3], found[4], int(found[5]))
    if not (
        {one.key_bits, one.value_bits} <= {*BITS}
        and {one.keys, one.values} <= AXES.keys()
        and one.group in GROUPS
    ):
        raise ValueError
    return one


def packing_reader() -> Reader:
    """Return the reader of a link's bits."""
    return Reader(
        packing,
        lambda: _("bits, axes and a group such as 2/2,channel/token,16 or 4/8,token/token,32"),
    )
