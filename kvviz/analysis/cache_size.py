"""How many bytes the KV cache of any architecture takes, group of layers by group of layers."""

from __future__ import annotations

from dataclasses import dataclass

from kvviz.errors import OptionsError
from kvviz.trace.architecture import Architecture
from kvviz.trace.compressed_rows import CompressedRows
from kvviz.trace.state_layers import StateLayers
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _

BITS = {"float32": 32, "bfloat16": 16, "float16": 16, N_("8 bits"): 8, N_("4 bits"): 4}
"""Bits that a number takes in a format. Scales of a quantised format are left out."""


@dataclass(frozen=True)
class CacheTerm:
    """Layers that keep equally many rows of equal width.

    Attributes:
        what: Which rows they are, in a few words.
        n_layers: How many layers.
        n_rows: Rows that each keeps for one sequence.
        n_numbers: Numbers in a row.
        row: How `n_numbers` comes about, as arithmetic in words.
        is_constant: Whether it is a state: one row a layer, however long the sequence.
        number: Number format in which it is kept whatever the cache's is, or nothing.
    """

    what: str
    n_layers: int
    n_rows: int
    n_numbers: int
    row: str
    is_constant: bool = False
    number: str = ""

    @property
    def total(self) -> int:
        """Numbers in all these rows."""
        return self.n_layers * self.n_rows * self.n_numbers

    def bytes_in(self, number: str) -> int:
        """Bytes of all these rows, where the cache has the number format `number`.

        Raises:
            OptionsError: If it is no key of `BITS`.
        """
        return self.total * bits(self.number or number) // 8


def cache_terms(shape: Architecture, n_tokens: int) -> tuple[CacheTerm, ...]:
    """Say what the cache of one sequence holds.

    A layer under MHA, GQA or MQA keeps a key and a value row for each KV head and position; one
    with a sliding window keeps them for the last `window` positions only. A layer under MLA keeps
    one latent row and the rotary part of one key, from which the keys and values of all heads are
    made again, and where an indexer chooses what is attended to, its key as well. A layer that
    folds its past into a state keeps that state, whose matrices are in float32 as transformers
    keeps them (lightning attention: in the cache's format), and the last inputs of its short
    convolution; both are there from the first token on and do not grow. Under CSA a layer keeps one
    row a position of its window, and one for every few or many positions; the positions that wait
    to become such a row are left out. An encoder-decoder keeps
    the rows of what it has written, and for cross-attention those of its input, which is taken to
    be as long. An encoder keeps nothing: each of its rows may change with every token.

    Args:
        shape: The model's shape.
        n_tokens: Positions of the sequence, 0 or more.

    Returns:
        The groups of layers, none of them empty; no group for an encoder.

    Raises:
        OptionsError: If there are fewer than 0 tokens, or the attention keeps what no formula here
            knows.

    Source: Shazeer (2019), arXiv 1911.02150 (MQA); Ainslie et al. (2023), arXiv 2305.13245 (GQA);
    DeepSeek-AI (2024), arXiv 2405.04434, section 2.1 (MLA); Jiang et al. (2023), arXiv 2310.06825,
    section 2 (sliding window); DeepSeek-AI (2025), arXiv 2512.02556, section 2.1 (indexer); the
    sources of `state_parameters` (states), and the caches of transformers 5.23, to whose tensors
    the tests compare all of them.
    """
    if n_tokens < 0:
        raise OptionsError(
            _("A cache holds 0 or more tokens."), found=_("Found {n:,}.").format(n=n_tokens)
        )
    if shape.attention == "other":
        raise OptionsError(
            _("The cache of this kind of attention is not known here."),
            fix=_("See the model's own report."),
        )
    if shape.layout == "encoder":
        return ()
    if shape.attention == "none":
        return tuple(term for term in _state_terms(shape.state, min(n_tokens, 1)) if term.n_numbers)
    if shape.compressed:
        return _compressed_terms(shape, shape.compressed, n_tokens)
    if shape.attention == "MLA":
        numbers = shape.d_kv_latent + shape.d_rope
        row = ngettext(
            "{n_latent:,} latent + {n:,} rotary number",
            "{n_latent:,} latent + {n:,} rotary numbers",
            shape.d_rope,
        ).format(n_latent=shape.d_kv_latent, n=shape.d_rope)
        name = _("a latent row a position")
    else:
        numbers = 2 * shape.n_kv_heads * shape.d_head
        row = _row_of_heads(shape.n_kv_heads, shape.d_head)
        name = _("rows of all positions")
    n_wide = shape.n_attention_layers - shape.n_window_layers
    terms = [
        CacheTerm(name, n_wide, n_tokens, numbers, row),
        CacheTerm(
            ngettext(
                "rows of the last {n:,} position", "rows of the last {n:,} positions", shape.window
            ).format(n=shape.window),
            shape.n_window_layers,
            min(n_tokens, shape.window),
            numbers,
            row,
        ),
    ]
    if shape.n_index_layers:
        row = ngettext("{n:,} number", "{n:,} numbers", shape.d_index).format(n=shape.d_index)
        what = _("an indexer's key a position")
        terms.append(CacheTerm(what, shape.n_index_layers, n_tokens, shape.d_index, row))
    if shape.layout == "encoder-decoder":
        what = _("rows of an input as long, for cross-attention")
        terms.append(CacheTerm(what, shape.n_layers, n_tokens, numbers, row))
    terms += _state_terms(shape.state, min(n_tokens, 1))
    return tuple(term for term in terms if term.n_layers and term.n_numbers)


def _compressed_terms(
    shape: Architecture, rows: CompressedRows, n_tokens: int
) -> tuple[CacheTerm, ...]:
    """Say what layers keep whose rows stand for several positions."""
    row = ngettext("{n:,} number", "{n:,} numbers", shape.d_head).format(n=shape.d_head)
    key = ngettext("{n:,} number", "{n:,} numbers", rows.d_index).format(n=rows.d_index)
    window = ngettext(
        "rows of the last {n:,} position", "rows of the last {n:,} positions", shape.window
    ).format(n=shape.window)
    fine, coarse = (
        ngettext("a row for every {n:,} position", "a row for every {n:,} positions", n).format(n=n)
        for n in (rows.fine, rows.coarse)
    )
    n_fine = n_tokens // rows.fine
    return (
        CacheTerm(window, shape.n_window_layers, min(n_tokens, shape.window), shape.d_head, row),
        CacheTerm(fine, rows.n_fine, n_fine, shape.d_head, row),
        CacheTerm(_("an indexer's key for each of these rows"), rows.n_fine, n_fine, rows.d_index,
                  key),
        CacheTerm(coarse, rows.n_coarse, n_tokens // rows.coarse, shape.d_head, row),
    )  # fmt: skip


def _state_terms(state: StateLayers | None, n_states: int) -> list[CacheTerm]:
    """Say what layers keep that does not grow; `n_states` is 0 before the first token."""
    if state is None:
        return []
    sides = [state.n_heads, state.d_key, state.d_value]
    matrix = " × ".join(f"{side:,}" for side in sides if side > 1) or "1"
    row = ngettext("{channels:,} channels × {n:,} position",
                   "{channels:,} channels × {n:,} positions",
                   state.d_conv).format(channels=state.n_channels, n=state.d_conv)  # fmt: skip
    return [
        CacheTerm(
            _("a state of constant size"), state.n_layers, n_states, state.n_matrix_numbers,
            matrix, is_constant=True,
            number="" if state.kind == "lightning attention" else "float32",
        ),
        CacheTerm(
            _("the last inputs of a short convolution"), state.n_layers, n_states,
            state.n_conv_numbers, row, is_constant=True,
        ),
    ]  # fmt: skip


def constant_bytes(shape: Architecture, *, n_users: int = 1, number: str = "bfloat16") -> int:
    """Count the bytes of the states of sequences that are served at the same time.

    They are part of `architecture_cache_bytes` from the first token on, and 0 of a model that keeps
    rows only.

    Raises:
        OptionsError: As `architecture_cache_bytes`.
    """
    _check_users(n_users)
    states = [term for term in cache_terms(shape, 1) if term.is_constant]
    return n_users * sum(term.bytes_in(number) for term in states)


def _row_of_heads(n_kv_heads: int, d_head: int) -> str:
    return _("2 (K and V) × {heads} × {numbers}").format(
        heads=ngettext("{n:,} KV head", "{n:,} KV heads", n_kv_heads).format(n=n_kv_heads),
        numbers=ngettext("{n:,} number", "{n:,} numbers", d_head).format(n=d_head),
    )


def architecture_cache_bytes(
    shape: Architecture, n_tokens: int, *, n_users: int = 1, number: str = "bfloat16"
) -> int:
    """Count the bytes of the caches of sequences that are served at the same time.

    For an architecture with MHA and no window this is `cache_bytes` of its model card.

    Args:
        shape: The model's shape.
        n_tokens: Positions of each sequence, 0 or more.
        n_users: Sequences, 1 or more.
        number: Number format of the cache, a key of `BITS`.

    Raises:
        OptionsError: If a number is out of its range, the format is unknown, or `cache_terms`
            does not know the attention.
    """
    _check_users(n_users)
    return n_users * sum(term.bytes_in(number) for term in cache_terms(shape, n_tokens))


def _check_users(n_users: int) -> None:
    if n_users < 1:
        raise OptionsError(
            _("A cache serves at least one sequence."), found=_("Found {n:,}.").format(n=n_users)
        )


def bits(number: str) -> int:
    """Return the bits of a number format.

    Raises:
        OptionsError: If it is no key of `BITS`.
    """
    if number not in BITS:
        raise OptionsError(
            _("A number format is needed that has a known width."),
            found=_("Found {number!r}.").format(number=number),
            fix=_("Take one of {names}.").format(names=", ".join(BITS)),
        )
    return BITS[number]
