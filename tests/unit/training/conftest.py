import hashlib
import lzma

import numpy as np
import pytest

from training import batches, loop
from training.batches import Mixture
from training.recipes import Phase, Recipe, Shape

WORDS = ("the", "a", "king", "queen", "fox", "hen", "house", "ran", "sat", "saw", "little", "and")


def _story(draw, n_words):
    return " ".join(draw.choice(WORDS, n_words)).capitalize() + "."


TOKENS_A_STEP = 1024
"""Of a run that `make_small` makes small: a quarter of what one has."""


def make_small(patch):
    """Take short steps, log each, and let each point of the film say little."""
    patch.setattr(batches, "BLOCKS_PER_GROUP", 4)
    for module in (batches, loop):
        patch.setattr(module, "TOKENS_PER_BATCH", TOKENS_A_STEP)
    patch.setattr(loop, "LOG_EVERY_STEPS", 1)
    patch.setattr(loop, "N_FILM_CTX", 32)
    patch.setattr("training.film.N_CONTINUED", 2)


@pytest.fixture(scope="session")
def stories():
    """Sixty stories: the even ones short, the odd ones long."""
    draw = np.random.default_rng(7)
    return [_story(draw, 30 if i % 2 == 0 else 900) for i in range(60)]


def corpus_in(folder, files):
    """Write a corpus into a folder, with a README that states the checksums; return the folder."""
    folder.mkdir(exist_ok=True)
    lines = ["| file | sha256 of the packed file | sha256 of the text |", "|---|---|---|"]
    for name, documents in files.items():
        text = "\n<|endoftext|>\n".join(documents) + "\n"
        packed = lzma.compress(text.encode())
        (folder / name).write_bytes(packed)
        sums = [hashlib.sha256(raw).hexdigest() for raw in (packed, text.encode())]
        lines.append(f"| `{name}` | {len(documents)} | `{sums[0]}` | `{sums[1]}` |")
    (folder / "README.md").write_text("\n".join(lines))
    return folder


@pytest.fixture
def write_corpus(tmp_path):
    """Writes a corpus folder."""
    return lambda files: corpus_in(tmp_path / "corpus", files)


@pytest.fixture(scope="session")
def small_corpus(stories):
    """The files of a small corpus, by their names."""
    return {
        "stories.txt.xz": stories[:50],
        "encyclopedic.txt.xz": stories[50:52],
        "heldout.txt.xz": stories[52:],
    }


@pytest.fixture
def corpus_folder(write_corpus, small_corpus):
    return write_corpus(small_corpus)


@pytest.fixture(scope="session")
def tiny_recipe():
    mixture = Mixture(repeated=0.2, shortest=4, longest=20, jumping=0.5)
    return Recipe(
        "gpt2-mini",
        Shape("gpt2", n_layers=1, n_heads=2, d_model=16, n_ctx=1024, d_vocab=4096),
        (Phase(0.5, 64, mixture), Phase(1.0, 128, mixture)),
        warmup_steps=2,
    )
