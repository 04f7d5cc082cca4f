"""Which part of the rows is kept: a way and its numbers, as a link and the controls say them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kvviz.errors import OptionsError
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.shell.links import Reader

MOST_ROWS = 1024
_WORDS = re.compile(r"([a-z]{1,12}):(\d{1,4})(?:\+(\d{1,4}))?")
_ASKED = 16
"""Last queries of the prompt that SnapKV asks, as `caches.Observed` does by itself."""


@dataclass(frozen=True)
class Way:
    """A way of keeping rows, as the page speaks of it.

    Attributes:
        label: What it is called; marked for translation, as is the next.
        keeps: Which rows it keeps, in one sentence.
        source: Where it was published.
        takes_sinks: Whether first rows can be kept for good beside the others.
        once: Whether rows go once, when the prompt has been read.
    """

    label: str
    keeps: str
    source: str
    takes_sinks: bool = False
    once: bool = False


WAYS = {
    "window": Way(
        N_("a window of the last rows"),
        N_("The last rows stay, and with them the first few as sinks where there are such."),
        "Xiao et al. (2023), Efficient Streaming Language Models with Attention Sinks, section 3, "
        "arXiv 2309.17453.",  # not for people: a source
        takes_sinks=True,
    ),
    "heavy": Way(
        N_("heavy hitters (H2O)"),
        N_("Half are the last rows, half those that all queries so far gave most weight."),
        "Zhang et al. (2023), H2O: Heavy-Hitter Oracle for Efficient Generative Inference of Large "
        "Language Models, section 4, arXiv 2306.14048.",  # not for people: a source
    ),
    "least": Way(
        N_("all but the least attended (TOVA)"),
        N_("At each step the row goes that the present query gave least weight."),
        "Oren et al. (2024), Transformers are Multi-State RNNs, section 3.2, "
        "arXiv 2401.06104.",  # not for people: a source
    ),
    "observed": Way(
        N_("what the prompt's last queries see (SnapKV)"),
        N_(
            "Once, after the prompt, those of its rows stay that its last queries gave most "
            "weight; every later row stays too."
        ),
        "Li et al. (2024), SnapKV: LLM Knows What You are Looking for Before Generation, section "
        "4, arXiv 2404.14469.",  # not for people: a source
        once=True,
    ),
    "random": Way(
        N_("rows drawn by lot"),
        N_("Half are the last rows, the others are drawn by lot: the control of all ways."),
        "",
        takes_sinks=True,
    ),
}
"""Each way by its name in links."""


@dataclass(frozen=True)
class KeptPart:
    """A way of keeping rows with its numbers.

    Attributes:
        way: A key of `WAYS`.
        rows: Rows that a query may read in each head, its own among them, sinks included.
        sinks: First rows that stay for good; 0 in a way that takes none.
    """

    way: str
    rows: int
    sinks: int = 0

    def __str__(self) -> str:
        """Return the words of a link, in which a window is named without its sinks."""
        rows = self.rows - self.sinks if self.way == "window" else self.rows
        return f"{self.way}:{rows}" + (f"+{self.sinks}" if self.sinks else "")

    @property
    def for_engine(self) -> str:
        """What `cache_of` of the engine reads."""
        if self.way == "observed":
            # Rows of the last queries stay; they are half of a budget at most.
            return f"{self},window={max(1, min(_ASKED, self.rows // 2))}"
        return str(self)

    @property
    def told(self) -> str:
        """What it is called in a sentence, in the language of the page."""
        label = _(WAYS[self.way].label)
        if not self.sinks:
            return label
        sinks = ngettext("{n} sink", "{n} sinks", self.sinks).format(n=self.sinks)
        # Translators: {way} is "a window of the last rows" or another way, {sinks} is "4 sinks".
        return _("{way} with {sinks}").format(way=label, sinks=sinks)

    def check(self) -> None:
        """Refuse numbers with which nothing could be kept.

        Raises:
            OptionsError: If so.
        """
        if not 2 <= self.rows <= MOST_ROWS:
            raise OptionsError(
                _("Rows: 2 to {most:,}, those of the query itself among them.").format(
                    most=MOST_ROWS
                ),
                found=_("It is {n:,}.").format(n=self.rows),
                fix=_("Choose another number."),
            )
        if not 0 <= self.sinks <= self.rows - 1:
            raise OptionsError(
                ngettext(
                    "{sinks:,} sink leaves no room in a budget of {rows:,}.",
                    "{sinks:,} sinks leave no room in a budget of {rows:,}.",
                    self.sinks,
                ).format(sinks=self.sinks, rows=self.rows),
                found=_("The query's own row needs a place too."),
                fix=_("Keep more rows, or fewer sinks."),
            )

    def check_beside(self, n_tokens: int) -> None:
        """Refuse a budget that is no smaller than what there is to keep.

        Args:
            n_tokens: Tokens of the text.

        Raises:
            OptionsError: If so.
        """
        if self.rows < n_tokens:
            return
        raise OptionsError(
            _("With this budget no row has to go."),
            found=_("It allows {rows:,} rows, and the text has {n:,} tokens.").format(
                rows=self.rows, n=n_tokens
            ),
            fix=_("Keep fewer rows, or take a longer text."),
        )


def kept_part(words: str) -> KeptPart:
    """Return what a link's words say, such as ``window:28+4`` or ``heavy:32``.

    Raises:
        ValueError: If they say nothing that can be done.
    """
    found = _WORDS.fullmatch(words)
    if found is None or found[1] not in WAYS:
        raise ValueError
    way, number, sinks = found[1], int(found[2]), int(found[3] or 0)
    if sinks and not WAYS[way].takes_sinks:
        raise ValueError
    part = KeptPart(way, number + sinks if way == "window" else number, sinks)
    try:
        part.check()
    except OptionsError as error:
        raise ValueError from error
    return part


def part_reader() -> Reader:
    """Return the reader of a link's way of keeping rows."""
    return Reader(
        kept_part, lambda: _("a way of keeping rows such as window:28+4, heavy:32 or random:32+4")
    )
