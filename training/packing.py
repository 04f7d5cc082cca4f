"""Documents to one long row of token ids, made once and kept on disk."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt16
from tokenizers import Tokenizer

from training.corpus import Corpus, read_corpus
from training.errors import CorpusError
from training.files import write_whole
from training.tokenizer import END_OF_TEXT, SPECIAL_TOKENS, train_tokenizer

SHORT_CHARACTERS = 1300
COPIES_OF_SHORT = 3


@dataclass(frozen=True)
class PackedCorpus:
    """Training tokens and what they were made from.

    Attributes:
        tokens: (n,) uint16, every document followed by the end-of-text token.
        tokenizer: The tokenizer that made them.
        origin: Checksums, counts and settings; written into checkpoints and cards.
    """

    tokens: UInt16[np.ndarray, " n"]
    tokenizer: Tokenizer
    origin: dict[str, object]


def upsample(documents: tuple[str, ...]) -> list[str]:
    """Repeats the short documents, which are the modern simple ones, three times.

    Documents of under 1,300 characters are nearly all picture books and synthetic stories: 5 % of
    the text, yet the closest to what people type into a prompt.
    """
    return [
        document
        for document in documents
        for _ in range(COPIES_OF_SHORT if len(document) < SHORT_CHARACTERS else 1)
    ]


def pack(documents: list[str], tokenizer: Tokenizer, seed: int) -> UInt16[np.ndarray, " n"]:
    """Shuffles documents, tokenises them, and joins them with the end-of-text token.

    Args:
        documents: Texts; copies among them are spread by the shuffle.
        tokenizer: Its ids must fit into 16 bits.
        seed: Decides the order.

    Returns:
        (n,) uint16 token ids.
    """
    order = np.random.default_rng(seed).permutation(len(documents))
    end = tokenizer.token_to_id(END_OF_TEXT)
    encoded = tokenizer.encode_batch_fast([documents[i] for i in order], add_special_tokens=False)
    return np.concatenate([np.array([*e.ids, end], dtype=np.uint16) for e in encoded])


def load_packed(folder: Path, work: Path, seed: int) -> PackedCorpus:
    """Returns the packed corpus, making tokenizer and tokens on the first call.

    The checksums are compared each time, so that a changed corpus is packed anew.

    Args:
        folder: The corpus folder.
        work: Where `tokenizer.json`, `packed.uint16` and `packed.json` are kept.
        seed: Decides the order of the documents.

    Raises:
        CorpusError: The corpus is missing or not the one described, or the packed files in `work`
            are damaged.
    """
    corpus = read_corpus(folder)
    wanted = _settings(corpus, seed)
    note, data, merges = work / "packed.json", work / "packed.uint16", work / "tokenizer.json"
    if note.exists() and data.exists() and merges.exists():
        origin = json.loads(note.read_text())
        if {key: origin.get(key) for key in wanted} == wanted:
            raw = data.read_bytes()
            if hashlib.sha256(raw).hexdigest() != origin["sha256_of_tokens"]:
                raise CorpusError(
                    "The packed corpus is damaged.",
                    found=f"{data} does not match its checksum.",
                    fix="Delete it and start again; it is made anew from the corpus.",
                )
            tokens = np.frombuffer(raw, dtype=np.uint16)
            return PackedCorpus(tokens, Tokenizer.from_file(str(merges)), origin)
    tokenizer = train_tokenizer(corpus.documents)
    documents = upsample(corpus.documents)
    tokens = pack(documents, tokenizer, seed)
    origin = wanted | {
        "n_documents": len(corpus.documents),
        "n_documents_with_copies": len(documents),
        "n_characters_with_copies": sum(map(len, documents)),
        "n_tokens": len(tokens),
        "sha256_of_tokens": hashlib.sha256(tokens.tobytes()).hexdigest(),
    }
    write_whole(merges, tokenizer.to_str().encode())
    write_whole(data, tokens.tobytes())
    write_whole(note, json.dumps(origin, indent=2).encode())
    return PackedCorpus(tokens, tokenizer, origin)


def _settings(corpus: Corpus, seed: int) -> dict[str, object]:
    return {
        "checksums": corpus.checksums,
        "seed": seed,
        "short_characters": SHORT_CHARACTERS,
        "copies_of_short": COPIES_OF_SHORT,
        "special_tokens": list(SPECIAL_TOKENS),
    }
