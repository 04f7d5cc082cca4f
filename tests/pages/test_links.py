from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.ui.shell import links
from kvviz.ui.shell.links import RunSettings, View


def test_an_empty_link_is_the_usual_run_and_says_nothing():
    link = links.parse({})
    assert link.settings == RunSettings()
    assert link.view == View()
    assert link.line == ""


@given(
    settings=st.builds(
        RunSettings,
        model=st.text(st.characters(codec="utf-8"), min_size=1, max_size=300),
        prompt=st.text(st.characters(codec="utf-8"), min_size=1, max_size=300),
        new=st.integers(1, 1024),
        temperature=st.sampled_from([0.0, 0.5, 0.75, 1.0, 10.0]),
        top_k=st.none() | st.integers(1, 1_000_000),
        top_p=st.none() | st.sampled_from([0.05, 0.9, 1.0]),
        seed=st.integers(0, links.LARGEST_SEED),
    ),
    view=st.builds(
        View,
        step=st.integers(0, 99_999),
        layer=st.none() | st.integers(0, 9_999),
        head=st.none() | st.integers(0, 9_999),
        cache=st.sampled_from(links.CACHES),
    ),
)
def test_a_link_leads_back_to_the_run_and_view_it_was_written_for(settings, view):
    parameters = {
        name: values[0]
        for name, values in parse_qs(
            links.query(settings, view), keep_blank_values=True, strict_parsing=False
        ).items()
    }
    link = links.parse(parameters)
    assert (link.settings, link.view, link.unusable) == (settings, view, ())


def test_defaults_are_left_out_of_the_link():
    assert links.write(RunSettings(), View()) == {}
    assert links.write(RunSettings(new=17), View(step=2)) == {"new": "17", "step": "2"}


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
        ("layer", "-1"),
        ("head", "one"),
        ("step", "-1"),
        ("lang", "xx"),
        ("prompt", ""),
        ("prompt", "x" * (links.LONGEST_PROMPT + 1)),
        ("model", "m" * 301),
    ],
)
def test_nonsense_gives_the_default_and_one_line_that_names_it(name, text):
    link = links.parse({name: text, "seed": "7"} if name != "seed" else {name: text})
    default = links.parse({"seed": "7"} if name != "seed" else {})
    assert (link.settings, link.view, link.lang) == (default.settings, default.view, default.lang)
    assert len(link.unusable) == 1
    assert link.unusable[0].startswith(f"{name} is ")
    assert link.line.count("\n") == 0
    assert len(link.line) < 250


def test_several_odd_values_share_one_line():
    assert links.parse({"new": "x", "step": "y", "layer": "z"}).line.count("; ") == 2


def test_unknown_names_are_left_alone():
    assert links.parse({"utm_source": "x"}).line == ""


def test_a_prompt_too_long_for_an_address_is_left_out_of_it():
    long = RunSettings(prompt="猫" * 1000)
    assert not links.fits(long)
    assert "prompt" not in links.write(long, View(step=1))


def test_a_view_is_brought_inside_the_run():
    view, unusable = links.within(View(step=16, layer=6, head=2, cache="both"), 16, 6, 8)
    assert view == View(step=0, layer=None, head=2, cache="both")
    assert [phrase.split()[0] for phrase in unusable] == ["step", "layer"]
