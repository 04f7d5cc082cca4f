"""Figures of pages without a player are saved as SVG and as PNG, by key."""

import io
import re
from xml.etree import ElementTree

import pytest
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SVG = "{http://www.w3.org/2000/svg}"
BEYOND = re.compile(r"(color|oklab|oklch|color-mix|var)\(")
"""Colours that readers of SVG other than browsers do not know."""


def saved(tab, name, kind):
    """Press the button with the keyboard and return the file."""
    button = tab.page.get_by_role("button", name=f"{name} as {kind}", exact=True).first
    expect(button).to_be_visible()
    tab.still()
    button.focus()
    with tab.page.expect_download() as download:
        tab.page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(f".{kind.lower()}")
    return download.value.path().read_bytes()


def texts_of(svg):
    """Return the texts of a file, which names every colour so that every reader knows it."""
    assert not BEYOND.search(svg.decode())
    return [(node.text or "").strip() for node in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def scale_of(png, figure):
    """Return how many pixels of a picture a pixel of its figure has become; it is not blank."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    assert len(picture.resize((200, 200)).getcolors(40_000)) > 50
    edges = 2 * 24
    return picture.width / (figure.bounding_box()["width"] + edges)


def test_patterns_and_losses_are_taken_along(visit):
    tab = visit()
    tab.page.goto(f"{tab.address}/bert_vs_gpt2")
    card = tab.page.locator('[data-kvviz="attention-twins"]')
    svg = saved(tab, "Attention pattern", "SVG")
    texts = texts_of(svg)
    # Names of rows and of columns of both models, and what is said around them.
    assert texts.count("␣played") == 4
    assert {"GPT-2 mini", "BERT mini", "recorded", "looks both ways", "layer 5"} <= set(texts)
    # What is for the hand is left out.
    assert not {"PNG", "Mask", "How this row is made"} & set(texts)
    # Two patterns, and 48 heads of either.
    assert len(list(ElementTree.fromstring(svg).iter(f"{SVG}image"))) == 98
    assert scale_of(saved(tab, "Attention pattern", "PNG"), card) == pytest.approx(2, abs=0.01)
    tab.page.goto(f"{tab.address}/language_modelling")
    # Of two figures with this name the one that comes first on the page, and not in time.
    expect(tab.page.get_by_role("button", name="Tokens and their labels as SVG")).to_have_count(2)
    texts = texts_of(saved(tab, "Tokens and their labels", "SVG"))
    assert texts.count("␣piano") + texts.count("␣p") >= 2
    assert "goes in" in texts
    svg = saved(tab, "How the two models learnt", "SVG")
    assert {"tokens seen", "GPT-2 mini", "BERT mini"} <= set(texts_of(svg))
    film = tab.page.locator('[data-kvviz="training-film"]')
    assert scale_of(saved(tab, "How the two models learnt", "PNG"), film) == pytest.approx(
        2, abs=0.01
    )


def test_the_maps_of_rows_and_the_lives_of_two_writers_are_taken_along(visit):
    tab = visit(works=True)
    tab.page.goto(f"{tab.address}/bert_vs_gpt2?do=append&text=The+cat+sat.&word=mat")
    tab.page.get_by_role("button", name="Just show me").click()
    maps = tab.page.locator('[data-kvviz="row-changes"]')
    svg = saved(tab, "Which K/V rows changed?", "SVG")
    assert {"GPT-2 mini", "BERT mini", "the same to the last bit"} <= set(texts_of(svg))
    assert len(list(ElementTree.fromstring(svg).iter(f"{SVG}rect"))) > 50
    png = saved(tab, "Which K/V rows changed?", "PNG")
    assert scale_of(png, maps) == pytest.approx(2, abs=0.01)
    tab.page.goto(f"{tab.address}/bert_vs_gpt2?do=write&text=The+cat+sat.&new=4")
    tab.page.get_by_role("button", name="Just show me").click()
    lives = tab.page.locator('[data-kvviz="written-lives"]')
    svg = saved(tab, "The life of each row", "SVG")
    assert {"GPT-2 mini", "BERT mini", "computed at this step", "counted"} <= set(texts_of(svg))
    png = saved(tab, "The life of each row", "PNG")
    assert scale_of(png, lives) == pytest.approx(2, abs=0.01)
