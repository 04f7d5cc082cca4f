from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz import caches, translation
from kvviz.player.cell import Cell
from kvviz.ui.pages.kv_cache.settings import parse, write
from kvviz.ui.parts.view import CACHES, View, within
from kvviz.ui.shell.links import fits, lines_about
from kvviz.ui.work.branch_path import Fork, branch_path
from kvviz.ui.work.keeping import CALLED, EVERY_ROW, OFFERED, OTHER_WORDS, cache_for
from kvviz.ui.work.run_settings import LARGEST_SEED, LONGEST_PROMPT, RunSettings
from tests.factories import make_trace


def test_an_empty_link_is_the_usual_run_and_says_nothing():
    assert parse({}) == (RunSettings(), View(), ())
    assert lines_about(()) == ()


@given(
    settings=st.builds(
        RunSettings,
        model=st.text(st.characters(codec="utf-8"), min_size=1, max_size=300),
        prompt=st.text(st.characters(codec="utf-8"), min_size=1, max_size=300),
        new=st.integers(1, 1024),
        temperature=st.sampled_from([0.0, 0.5, 0.75, 1.0, 10.0]),
        top_k=st.none() | st.integers(1, 1_000_000),
        top_p=st.none() | st.sampled_from([0.05, 0.9, 1.0]),
        seed=st.integers(0, LARGEST_SEED),
    ),
    view=st.builds(
        View,
        step=st.integers(0, 99_999),
        layer=st.none() | st.integers(0, 9_999),
        head=st.none() | st.integers(0, 9_999),
        cache=st.sampled_from(CACHES),
    ),
)
def test_a_link_leads_back_to_the_run_and_view_it_was_written_for(settings, view):
    parameters = dict(parse_qsl(urlencode(write(settings, view)), keep_blank_values=True))
    assert parse(parameters) == (settings, view, ())


def test_defaults_are_left_out_of_the_link():
    assert write(RunSettings(), View()) == {}
    assert write(RunSettings(new=17), View(step=2)) == {"new": "17", "step": "2"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("new", "0"),
        ("new", "-5"),
        ("new", "99999999999999999999"),
        ("new", "twelve"),
        ("new", "1e3"),
        ("temperature", "nan"),
        ("temperature", "inf"),
        ("temperature", "-1"),
        ("top_k", "0"),
        ("top_p", "0"),
        ("top_p", "1.5"),
        ("seed", "-1"),
        ("cache", "maybe"),
        ("cache", "window"),
        ("cache", "full:3"),
        ("cache", "recomputed"),
        ("cache", "window:60;drop"),
        ("cache", "heavy:" + "9" * 80),
        ("branch", "5"),
        ("branch", "5.x"),
        ("branch", "5.1-"),
        ("branch", "-1.3"),
        ("branch", "5.99999999"),
        ("branch", "-".join(["5.1"] * 9)),
        ("branch", ".".join(["5"] * 34)),
        ("layer", "-1"),
        ("head", "one"),
        ("step", "-1"),
        ("lang", "xx"),
        ("prompt", ""),
        ("prompt", "x" * (LONGEST_PROMPT + 1)),
        ("model", "m" * 301),
    ],
)
def test_nonsense_gives_the_default_and_one_line_that_names_it(name, text):
    others = {} if name == "seed" else {"seed": "7"}
    settings, view, unusable = parse({name: text, **others})
    assert (settings, view, ()) == parse(others)
    assert len(unusable) == 1
    assert unusable[0].startswith(f"{name} is ")
    (line,) = lines_about(unusable)
    assert line.count("\n") == 0
    assert len(line) < 250


def test_a_link_says_how_rows_are_kept_and_which_branch_is_shown():
    branch = branch_path("5.262-0.11.12")
    assert branch.forks == (Fork(5, (262,)), Fork(0, (11, 12)))
    for settings, link in (
        (RunSettings(branch=branch), {"branch": "5.262-0.11.12"}),
        (RunSettings(cache="window:60+4"), {"cache": "window:60+4"}),
        (RunSettings(cache="quantised:2/4,group=8"), {"cache": "quantised:2/4,group=8"}),
    ):
        assert write(settings, View()) == link
        assert parse(link) == (settings, View(), ())
    # Typed into an address a plus comes as a space, and the command line has long names too.
    assert parse({"cache": "window:60 4"})[0].cache == "window:60+4"
    assert parse({"cache": "heavy-hitters:8"})[0].cache == "heavy:8"
    assert parse({"cache": "off"}) == (RunSettings(), View(cache="off"), ())
    # Each way has a word, and what is offered can be kept to.
    assert {OTHER_WORDS.get(name, name) for name in caches.ALL} - {"recomputed"} == {*CALLED}
    assert all(cache_for(words) is not None for words in OFFERED if words != EVERY_ROW)


def test_several_odd_values_share_one_line():
    (line,) = lines_about(parse({"new": "x", "step": "y", "layer": "z"})[2])
    assert line.count("; ") == 2


def test_what_a_value_must_be_is_said_in_the_language_of_the_moment():
    with translation.using("en-XA"):
        (phrase,) = parse({"step": "x"})[2]
    assert "whole number" not in phrase
    assert "a whole number from 0 to 99,999" in parse({"step": "x"})[2][0]
    ways = "on, off, both, or a way of keeping rows such as window:60+4 or heavy:64"
    assert parse({"cache": "x"})[2] == (f"cache is 'x', not {ways}",)


def test_unknown_names_are_left_alone():
    assert parse({"utm_source": "x"})[2] == ()


def test_a_prompt_too_long_for_an_address_is_left_out_of_it():
    long = RunSettings(prompt="猫" * 1000)
    assert not fits(long.prompt)
    assert "prompt" not in write(long, View(step=1))


def test_a_view_is_brought_inside_the_run():
    run = make_trace(n_prompt=4, n_new=16, n_layers=6, n_heads=8)
    view, unusable = within(View(step=16, layer=6, head=2, cache="both"), run, 16)
    assert view == View(step=0, layer=None, head=2, cache="both")
    assert [phrase.split()[0] for phrase in unusable] == ["step", "layer"]


@pytest.mark.parametrize(
    ("text", "cell"), [("12.7", Cell(12, 7)), ("0.0", Cell(0, 0)), ("4.8x", Cell(4, 8, cross=True))]
)
def test_a_cell_whose_making_is_on_show_stands_in_the_link(text, cell):
    _, view, unusable = parse({"cell": text, "step": "9"})
    assert (view.cell, unusable) == (cell, ())
    assert write(RunSettings(), view) == {"step": "9", "cell": text}


@pytest.mark.parametrize("text", ["", "12", "12.", "-1.0", "12.7y", "1.2.3", "٣.٤", "9" * 6 + ".0"])
def test_what_is_no_cell_is_said_in_a_phrase(text):
    _, view, unusable = parse({"cell": text})
    assert view.cell is None
    assert len(unusable) == 1
    assert unusable[0].endswith("not two rows with a dot between them, such as 12.7")


@pytest.mark.parametrize(
    ("cell", "is_there"),
    [
        (Cell(5, 5), True),
        (Cell(5, 6), False),  # the mask forbids it
        (Cell(6, 0), False),  # comes at a later step
        (Cell(3, 2, cross=True), False),  # a GPT-2 has no second cache
    ],
)
def test_a_cell_that_the_step_does_not_have_is_left_out_with_a_phrase(cell, is_there):
    run = make_trace(n_prompt=4, n_new=16)
    view, unusable = within(View(step=2, cell=cell), run, 16)
    assert view.cell == (cell if is_there else None)
    assert len(unusable) == (not is_there)
