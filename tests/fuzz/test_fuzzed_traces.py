"""Ten thousand trace files that were changed: none opens as another run than was saved.

Where a digest is gone, as in files from before there was one, what opens is sound and can be used.
"""

import io
from random import Random

import pytest

from kvviz.errors import TraceFileError
from kvviz.player import pack
from kvviz.trace import GenerationTrace
from kvviz.trace.storage import open_trace
from tests.factories import make_card, make_dropping, make_encoding, make_trace
from tests.fuzz import broken_traces
from tests.fuzz.broken_traces import SoundFile
from tests.fuzz.cases import REFUSED, each, taken
from tests.trace_files import saved

SMALL = {"n_prompt": 2, "n_new": 2, "n_likely": 2}
TINY = make_card(n_layers=1, n_heads=1, d_head=2)
FILES = [
    SoundFile(saved(trace))
    for trace in (
        make_trace(card=TINY, **SMALL),
        make_trace(card=TINY, use_cache=False, **SMALL),
        make_trace(card=make_card(1, 1, 2, family="t5"), n_encoder=2, **SMALL),
        make_encoding(3, card=make_card(1, 1, 2, family="bert"), n_likely=2),
        make_dropping(3, 2, n_likely=2),
        make_trace(card=make_card(1, 2, 2, n_kv_heads=1, dtype="bfloat16"), **SMALL),
    )
]
MOST_BYTES = 2**24


def any_file(draw: Random) -> SoundFile:
    """Return a file; one of few members more often, since each of them takes time."""
    return draw.choices(FILES, [3 if len(file.parts) < 15 else 1 for file in FILES])[0]


def opened(data: bytes):
    """Open a file as a page does."""
    return taken(lambda: open_trace(io.BytesIO(data), max_bytes=MOST_BYTES), TraceFileError)


def is_refused_or_means_the_same(data: bytes, file: SoundFile) -> None:
    trace = opened(data)
    if trace is not REFUSED:
        assert saved(trace) == file.data, "it opened as another run, without a word"


@pytest.mark.parametrize(
    ("n_cases", "spoil"),
    [
        (3500, lambda draw, file: broken_traces.other_bytes(draw, file.data)),
        (1500, broken_traces.other_members),
        (1500, broken_traces.flipped),
    ],
    ids=["bytes", "members", "one bit of an array"],
)
@pytest.mark.filterwarnings("ignore:Reading `.npy`")  # of NumPy, about the age of what it reads
def test_what_was_changed_is_refused_or_means_the_same(n_cases, spoil):
    def check(draw: Random) -> None:
        file = any_file(draw)
        is_refused_or_means_the_same(spoil(draw, file), file)

    each(n_cases, check)


@pytest.mark.parametrize(
    ("n_cases", "spoil"),
    [(2500, broken_traces.other_header), (1000, broken_traces.other_numbers)],
    ids=["header", "numbers"],
)
def test_what_opens_without_a_digest_is_sound(n_cases, spoil):
    n_opened = 0

    def check(draw: Random) -> None:
        nonlocal n_opened
        trace = opened(spoil(draw, any_file(draw)))
        if trace is REFUSED:
            return
        n_opened += 1
        trace.pattern(0, 0)
        if draw.random() < 0.8:
            return  # what follows takes ten times as long
        if isinstance(trace, GenerationTrace):
            taken(lambda: pack(trace, layer=0, head=0))
        assert saved(opened(saved(trace))) == saved(trace)

    each(n_cases, check)
    assert n_opened, "a fuzzer of which nothing comes through looks at nothing behind the door"
