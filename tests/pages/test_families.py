"""One text, every family at hand: what was measured of each, and that all move in step."""

from __future__ import annotations

import re

import numpy as np
import pytest

from kvviz.engine import load_model, trace_generation
from kvviz.errors import LinkError
from kvviz.ui.pages.model_sizes import pictures, whole_table
from kvviz.ui.pages.model_sizes.families import at_hand, prediction, reading
from kvviz.ui.pages.model_sizes.families.at_hand import Decoder
from kvviz.ui.pages.model_sizes.families.payload import pack
from kvviz.ui.pages.model_sizes.families.reading import Failure, Reading
from kvviz.ui.parts.told_place import told_place
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.ticket_queue import TicketQueue
from tests.pages.conftest import Page, as_read
from tests.parity.tiny_decoders import FULL, SLIDING, TinyDecoder
from tests.payload_reader import unpack

TEXT = "The cat sat on the mat 🐱 and slept."
WINDOW = 5
LLAMA = "kvviz/llama-mini"
WINDOWED = TinyDecoder(
    "windows",
    "Gemma3",
    config={
        "sliding_window": WINDOW,
        "layer_types": [SLIDING, FULL, SLIDING],
        "max_position_embeddings": 256,
    },
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home where a tiny model with windows was added."""
    folder = tmp_path_factory.mktemp("home")
    WINDOWED.save(folder / "models" / "tiny-windows")
    return folder


@pytest.fixture(autouse=True)
def at_home(home, monkeypatch):
    monkeypatch.setenv("KVVIZ_HOME", str(home))


@pytest.fixture(scope="module")
def read(home, model):
    """What both decoders were seen to do with the text, and the decoders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KVVIZ_HOME", str(home))
        wanted = tuple(one for one in at_hand.decoders() if one.name != LLAMA)
        job = Job(lambda job: reading.read(TEXT, wanted, job), TicketQueue(1))
        assert job.wait(60)
    assert job.error is None
    return job.result


def test_the_decoders_at_hand_are_read_off_their_files(home, read):
    first, second, other = at_hand.decoders()
    assert (first.name, first.title) == ("kvviz/gpt2-mini", "GPT-2 mini")
    assert (second.name, second.title) == (LLAMA, "Llama mini")
    assert first.numbers_per_token() == 4 * second.numbers_per_token()
    assert (other.name, other.title) == ("kvviz/tiny-windows", "tiny-windows")
    for decoder, one in zip((first, other), read, strict=True):
        card = one.card
        assert (decoder.n_layers, decoder.n_heads) == (card.n_layers, card.n_heads)
        assert (decoder.n_kv_heads, decoder.d_head) == (card.n_kv_heads, card.d_head)
        assert decoder.n_params == card.n_params
        assert 4 * decoder.numbers_per_token() == card.cache_bytes_per_token


def test_a_reading_says_what_the_cache_held(home, read):
    first, other = read
    assert first.bytes_per_token == first.card.cache_bytes_per_token
    assert first.n_rows == 6 * first.n_tokens
    for one in read:
        assert "".join(one.tokens) == TEXT or "·" in "".join(one.tokens)
        assert one.is_proven
        assert 0 < one.difference < 1e-3
        assert one.ends[-1] == len(TEXT)
        assert len(one.cache_bytes) == one.n_tokens - one.n_first + 1
    by_window = {life.window: life for life in other.lives}
    assert {window: life.n_layers for window, life in by_window.items()} == {0: 1, WINDOW: 2}
    assert by_window[WINDOW].n_evicted == other.n_tokens - WINDOW
    assert by_window[0].n_evicted == 0
    # The run itself, made apart, has the same rows and bytes.
    loaded = load_model(home / "models" / "tiny-windows", device="cpu")
    run = trace_generation(loaded, TEXT, max_new_tokens=1, first=other.n_first)
    assert [step.cache_bytes for step in run.steps] == list(other.cache_bytes)
    assert other.n_rows == sum(int(run.live(len(run.steps) - 1, n)[0].sum()) for n in range(3))


def test_at_every_stop_all_have_read_the_same_text(read):
    header, arrays = unpack(pack(TEXT, read, stop=2))
    ends = header["ends"]
    assert ends == sorted(set(ends))
    assert ends[-1] == len(TEXT)
    assert header["stop"] == 2
    for one, told in zip(read, header["models"], strict=True):
        assert len(told["steps"]) == len(ends)
        assert told["steps"][-1] == len(one.cache_bytes) - 1
        for end, step in zip(ends, told["steps"], strict=True):
            n_read = one.n_first + step
            assert one.ends[n_read - 1] == end
            assert n_read == one.n_tokens or one.ends[n_read] > end
    # No stop lies within the emoji, whose bytes are tokens of their own.
    assert TEXT.index("🐱") + 1 in ends
    assert arrays["0.0.lives"].shape[1] == 4
    assert np.unique(arrays["0.0.lives"][:, 1]).tolist() == [1, 2]


@pytest.mark.parametrize("message", [None, {}, {"stop": 99}, {"stop": -1}, {"stop": True}])
def test_a_stop_that_is_not_there_is_refused(message):
    assert told_place({"stop": 3, "view_number": 1}, "stop", 4, 1) == 3
    assert told_place({"stop": 3, "view_number": 0}, "stop", 4, 1) is None
    with pytest.raises(LinkError):
        told_place(message, "stop", 4, 1)


def test_the_answers_are_what_the_shapes_give():
    first = Decoder("a", "A", 6_000_000, 6, 8, 8, 32)
    smol = Decoder("b", "B", 134_515_008, 30, 9, 3, 64)
    assert list(prediction.options(first, smol)) == ["3.8×", "5.0×", "11×", "22×"]


def rows_of(page):
    found = re.search(r'data-kvviz="families".*?</table>', page.html, re.DOTALL)
    return re.findall(r"<tr data-(.*?)>", found[0]) if found else []


@pytest.fixture
def only_this_part(monkeypatch):
    """Leave out the charts and the table of all models, which take most of the page's time."""
    for where, names in (
        (pictures, ("growth", "accelerator_list", "ladder", "parts")),
        (whole_table, ("draw",)),
    ):
        for name in names:
            monkeypatch.setattr(where, name, lambda *_: None)


def test_a_visitor_predicts_and_then_every_family_reads(model, only_this_part):
    page = Page("model_sizes", {"text": TEXT})
    assert page.errors == []
    assert rows_of(page) == []
    # The largest of the others is asked about.
    assert "Llama mini has" in page.html
    page.press("ask:families-bytes:0")
    assert page.errors == []
    rows = rows_of(page)
    assert 'model="kvviz/gpt2-mini"' in rows[0]
    assert f'model="{LLAMA}"' in rows[1]
    assert 'model="kvviz/tiny-windows"' in rows[2]
    assert all('proven="1"' in row for row in rows)
    assert ['n-evicted="0"' in row for row in rows] == [True, True, False]
    assert 'data-kvviz="families-verdict"' in page.html
    page.press("families:float64:gpt2-mini")
    assert re.search(r"GPT-2 mini: In float64: <b>\d\.\de-1\d", page.html)
    # A link that looks at a place of it shows it to whoever opens it.
    assert len(rows_of(Page("model_sizes", {"text": TEXT, "stop": "1"}))) == 3
    # Another text is read without being asked again, and the place goes to its end.
    (field,) = (one for one in page.app.text_area if one.key.startswith("sizes:text:"))
    field.input("The dog ran.").run()
    assert len(rows_of(page)) == 3
    assert "".join(page.app.query_params["text"]) == "The dog ran."
    assert "stop" not in page.app.query_params
    (field,) = (one for one in page.app.text_area if one.key.startswith("sizes:text:"))
    field.input("  ").run()
    (error,) = map(as_read, page.errors)
    assert "The text is empty." in error
    assert rows_of(page) == []


def test_a_family_that_cannot_read_says_why_in_its_row(read, monkeypatch):
    first, _other = read
    broken = Decoder("kvviz/nothing", "Nothing", 1, 1, 1, 1, 1)
    job = Job(lambda job: reading.read(TEXT, (broken,), job), TicketQueue(1))
    assert job.wait(60)
    (found,) = job.result
    assert isinstance(found, Failure)
    assert isinstance(first, Reading)
    assert "No model called kvviz/nothing" in str(found.error)
    assert prediction.told((first, found), broken, {}) is None
