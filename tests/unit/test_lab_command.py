import json

import pytest

from kvviz.__main__ import main
from kvviz.engine import caches
from kvviz.engine.caches.cache_words import cache_of, control_of

STORY = "Once upon a time there was a fox who lived in a wood. One day the fox met a bear."


@pytest.fixture
def story(tmp_path):
    path = tmp_path / "story.txt"
    path.write_text(STORY)
    return str(path)


def lab(*arguments: str) -> int:
    return main(["lab", *arguments])


def test_lab_judges_each_cache_and_its_control(story, capsys):
    code = lab("--text", story, "--cache", "window:6+2", "--cache", "heavy:8", "--control",
               "--json")  # fmt: skip
    said = json.loads(capsys.readouterr().out)
    assert code == 0
    assert said["n_scored"] == said["n_tokens"] - 1
    asked = ["window:6+2", "heavy:8", "control of window:6+2", "control of heavy:8"]
    assert [one["asked"] for one in said["caches"]] == asked
    window, _heavy, control, other = said["caches"]
    settings = {"size": 6, "sinks": 2, "positions": "kept"}
    assert window["cache"] == {"name": "window", "settings": settings}
    assert control["cache"]["settings"]["sinks"] == 2
    assert other["cache"]["settings"]["budget"] == 8
    for one in said["caches"]:
        assert one["loss_difference_nats"] == one["loss_nats"] - said["full_loss_nats"]
        assert one["cache_bytes"] == said["full_cache_bytes"] * 7 // (said["n_tokens"] - 1)
        assert one["kl_nats"] > 0


@pytest.mark.parametrize(
    ("text", "cache"),
    [
        ("full", caches.Full()),
        ("window:60+4", caches.Window(60, sinks=4)),
        ("heavy:64,recent=0.25", caches.HeavyHitters(64, recent=0.25)),
        ("heavy-hitters:0.5", caches.HeavyHitters(0.5)),
        ("least:4/4/8,per=layer", caches.LeastAttended((4, 4, 8), per="layer")),
        ("observed:64,window=8,pooling=1", caches.Observed(64, window=8, pooling=1)),
        ("window:6+2,positions=renumbered", caches.Window(6, sinks=2, positions="renumbered")),
        ("quantised:8", caches.Quantised(8, 8)),
        ("quantised:2/4,keys=token", caches.Quantised(2, 4, keys="token")),
        ("quantised:none/2", caches.Quantised(None, 2)),
        ("quantised:4,rotated=on,seed=3", caches.Quantised(4, 4, rotated=True, seed=3)),
        ("low-rank:96/64", caches.LowRank(96, 64)),
        ("latent:128", caches.Latent(128)),
        ("paged:16", caches.Paged()),
        ("random:64+4,seed=3,once=on", caches.Random(64, sinks=4, seed=3, once=True)),
    ],
)
def test_a_cache_is_typed_in_a_word(text, cache):
    assert cache_of(text) == cache


def test_a_control_has_the_same_budget_sinks_and_share_of_recent_rows():
    assert control_of(caches.Full()) is None
    assert control_of(caches.Random(4)) is None
    assert control_of(caches.Window(6, sinks=2)) == caches.Random(8, sinks=2)
    assert control_of(caches.HeavyHitters((8, 4), recent=0.25)) == caches.Random(
        (8, 4), recent=0.25
    )
    assert control_of(caches.LeastAttended(8)) == caches.Random(8, recent=0.0)
    assert control_of(caches.Observed(20)) == caches.Random(20, recent=0.0, once=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cache", "nope:3"], "known are full, window, heavy-hitters"),
        (["--cache", "window"], "does not say how many rows"),
        (["--cache", "full:3"], "keeps every row"),
        (["--cache", "heavy:64+2"], "Only window, random take sinks"),
        (["--cache", "heavy:x"], "'x' is no number"),
        (["--cache", "heavy:0"], "Found 0"),
        (["--cache", "window:6,size=3"], "the setting 'size=3'"),
        (["--cache", "heavy:6,foo=3"], "the setting 'foo=3'"),
        (["--cache", "random:4+4"], "4 sinks leave no room"),
        (["--cache", "heavy:999"], "above the text. It allows 999 rows"),
        (["--cache", "observed:20"], "above the prompt"),
        (["--cache", "heavy:4/4"], "are 6 budgets for this model"),
        (["--cache", "quantised:3"], "none to keep that part whole. Found 3"),
        (["--cache", "quantised:2/4/8"], "numbers are those of keys and of values"),
        (["--cache", "latent:513"], "A row of 512 numbers is kept in as many at most. Found 513"),
        (["--cache", "quantised:4,group=24"], "must divide its width, 32"),
        (["--cache", "window:4+1,positions=renumbered"], "not told by turning keys"),
        (["--cache", "window:4", "--tokens", "1"], "2 tokens or more"),
        (["--cache", "window:4", "--first", "999"], "Found 999"),
        (["--cache", "window:4", "--model", "kvviz/no-such-model"], "no-such-model"),
        (["--cache", "window:4", "--text", "/nowhere/text"], "/nowhere/text cannot be read"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, words, story, capsys):
    assert lab("--text", story, *arguments) == 2
    message = capsys.readouterr().err
    assert message.startswith("kvviz: ")
    assert message.count("\n") == 1
    assert words in message


def test_a_file_that_is_no_text_is_refused(tmp_path, capsys):
    path = tmp_path / "text"
    path.write_bytes(b"ab\xff")
    assert lab("--text", str(path), "--cache", "window:4") == 2
    assert "Byte 2 begins no character" in capsys.readouterr().err
