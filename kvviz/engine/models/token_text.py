"""What a token looks like: its own text, also where it is only half of a character."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from tokenizers import decoders

_BYTE_PIECE = re.compile(r"<0x([0-9A-F]{2})>")
_STRAY_BYTES = re.compile("[\udc80-\udcff]+")


class TokenTexts:
    """Texts of the tokens of one tokenizer.

    A byte-level tokenizer may cut a character in two. The bytes of such a piece are shown in hex,
    ``‹E2 80›``; all other texts, joined, give the text that was cut up.

    Args:
        tokenizer: A tokenizer of transformers.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._known: dict[int, str] = {}
        self._added: dict[int, str] = {
            index: text for text, index in tokenizer.get_added_vocab().items()
        }

    def text(self, token_id: int) -> str:
        """Return what the token reads, with bytes that are no whole character in hex."""
        if (text := self._known.get(token_id)) is None:
            text = self._known[token_id] = shown(self.raw(token_id))
        return text

    def joined(self, token_ids: Iterable[int], *, goes_on: bool = False) -> str:
        """Return what the tokens read together; halves of a character that meet become one.

        Args:
            token_ids: The tokens.
            goes_on: Whether they go on from a text before them. The pieces of a WordPiece do not
                say so themselves: there a word then begins with its space.
        """
        if self._word_pieces is None:
            return shown(b"".join(map(self.raw, token_ids)))
        pieces = [self.text(token_id) for token_id in token_ids]
        if not goes_on:
            return self._word_pieces.decode(pieces)
        return self._word_pieces.decode(["a", *pieces])[1:]

    def raw(self, token_id: int) -> bytes:
        """Return the bytes of a token; ids that the tokenizer does not know get a name."""
        if token_id in self._added:
            return self._added[token_id].encode()
        piece = self._tokenizer.convert_ids_to_tokens(int(token_id))
        if not isinstance(piece, str):
            return f"‹token {token_id}›".encode()
        if self._is_byte_level and all(character in _BYTE_OF for character in piece):
            return bytes(_BYTE_OF[character] for character in piece)
        if byte := _BYTE_PIECE.fullmatch(piece):
            return bytes([int(byte[1], 16)])
        return piece.replace("▁", " ").encode("utf-8", "replace")

    @cached_property
    def _is_byte_level(self) -> bool:
        decoder = self._described.get("decoder") or {}
        return any(
            part.get("type") == "ByteLevel" for part in [decoder, *decoder.get("decoders", [])]
        )

    @cached_property
    def _word_pieces(self) -> decoders.WordPiece | None:
        """What puts the pieces of a WordPiece together; None of another tokenizer."""
        model = self._described.get("model") or {}
        if model.get("type") != "WordPiece":
            return None
        return decoders.WordPiece(prefix=model.get("continuing_subword_prefix", "##"))

    @cached_property
    def _described(self) -> dict[str, Any]:
        """What a tokenizer of the fast kind is made of."""
        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        return {} if backend is None else json.loads(backend.to_str())


def shown(raw: bytes) -> str:
    r"""Return bytes as text, those that are no UTF-8 in hex.

    Example:
        ``shown(b"a\xe2\x80")`` is ``a‹E2 80›``.
    """
    # surrogateescape maps each stray byte to U+DC00 plus the byte, which no valid text contains.
    text = raw.decode("utf-8", "surrogateescape")
    return _STRAY_BYTES.sub(
        lambda run: "‹" + " ".join(f"{ord(byte) - 0xDC00:02X}" for byte in run[0]) + "›", text
    )


def _byte_alphabet() -> dict[str, int]:
    """Return the byte that each character of a byte-level vocabulary stands for.

    Printable bytes stand for themselves and the others, in order, for U+0100 and on.

    Source: the byte-level BPE of Radford et al. (2019), section 2.2.
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    alphabet = {chr(byte): byte for byte in printable}
    return alphabet | {chr(0x100 + place): byte for place, byte in enumerate(others)}


_BYTE_OF = _byte_alphabet()
