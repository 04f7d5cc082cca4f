import math
from itertools import combinations

import pytest

from kvviz.figures import theme
from kvviz.figures.model_ladder import LANDMARKS, model_ladder
from kvviz.lessons.model_table import amount, model_table

ROWS = model_table()
IDS = {row.id for row in ROWS}


def marks(figure):
    """Return id to (x, y) of each named trace."""
    return {
        trace.name: {
            data[0]: (x, y) for data, x, y in zip(trace.customdata, trace.x, trace.y, strict=True)
        }
        for trace in figure.data
        if trace.customdata is not None
    }


def test_every_model_stands_where_its_month_and_its_size_put_it():
    drawn = marks(model_ladder(ROWS))
    whole = drawn["dense"] | drawn["mixture of experts, all"] | drawn["ships here"]
    for row in ROWS:
        published = amount(row.published)
        if published is None:
            assert row.id in drawn["undisclosed"]
        else:
            assert whole[row.id] == (row.years, published.number)
        if row.active:
            assert drawn["of these active"][row.id] == (row.years, amount(row.active).number)
    assert len(whole) + len(drawn["undisclosed"]) == len(ROWS)
    assert "gpt2-mini" in drawn["ships here"]
    assert list(drawn["ships here"]) == [row.id for row in ROWS if row.maker == "kvviz"]
    assert set(drawn["of these active"]) == {row.id for row in ROWS if row.active}


def test_kinds_are_told_apart_by_shape_and_the_colours_of_the_player_are_left_alone():
    figure = model_ladder(ROWS, chosen="bloom")
    kinds = [trace for trace in figure.data if trace.marker.symbol and trace.showlegend is None]
    assert len({trace.marker.symbol for trace in kinds}) == len(kinds) == 5
    colours = {trace.marker.color for trace in figure.data}
    assert colours.isdisjoint({theme.COMPUTED, theme.REUSED})


@pytest.mark.parametrize("chosen", sorted(row.id for row in ROWS if amount(row.published)))
def test_the_chosen_model_has_a_ring_and_its_name_once(chosen):
    (row,) = (row for row in ROWS if row.id == chosen)
    figure = model_ladder(ROWS, chosen=chosen)
    (ring,) = (trace for trace in figure.data if trace.marker.symbol == "circle-open")
    assert (ring.x[0], ring.y[0]) == (row.years, amount(row.published).number)
    texts = [text for trace in figure.data if "text" in (trace.mode or "") for text in trace.text]
    texts += [note.text for note in figure.layout.annotations]
    assert sum(text in (row.name, f"<b>{row.name}</b>") for text in texts) == 1
    for note in figure.layout.annotations:
        assert math.isclose(10**note.y, ring.y[0])


TELEPHONE = (270, 316)
"""Pixels between the axes on a window 390 wide, measured; less in height where the legend wraps."""

# Wider than most letters of the page's font are, at 11, 12 and 12 bold.
LETTER = {11: 6.3, 12: 6.8}


def on_a_telephone(figure, x, y):
    """Return where a point lies, in pixels from the corner of the axes; `y` is a power of ten."""
    (left, right), (low, high) = figure.layout.xaxis.range, figure.layout.yaxis.range
    return (
        (x - left) / (right - left) * TELEPHONE[0],
        (y - low) / (high - low) * TELEPHONE[1],
    )


def names_on_a_telephone(figure):
    """Return each name with its box: left, right, bottom, top, in pixels."""

    def box(text, size, x, y, side, mark):
        plain = text.removeprefix("<b>").removesuffix("</b>")
        width = LETTER[size] * len(plain)
        x, y = on_a_telephone(figure, x, y)
        # So far plotly keeps a name from the middle of a mark of this size.
        off = mark / 2 / 0.8 + 1 if mark else 0
        x += {"left": -off - width, "center": -width / 2, "right": off}[side.split()[1]]
        y += {"top": off, "middle": -size / 2, "bottom": -off - size}[side.split()[0]]
        return plain, x, x + width, y, y + size

    boxes = []
    for trace in figure.data:
        if "text" in (trace.mode or ""):
            sides = trace.textposition
            sides = [sides] * len(trace.text) if isinstance(sides, str) else sides
            size, mark = trace.textfont.size or 12, trace.marker.size or 0
            for text, x, y, side in zip(trace.text, trace.x, trace.y, sides, strict=True):
                if text:
                    boxes.append(box(text, size, x, math.log10(y), side, mark))
    for note in figure.layout.annotations:
        boxes.append(box(note.text, 12, note.ax, note.ay, "middle center", 0))
    return boxes


@pytest.mark.parametrize("chosen", ["", *sorted(IDS)])
def test_no_two_names_touch_on_a_telephone(chosen):
    boxes = names_on_a_telephone(model_ladder(ROWS, chosen=chosen))
    assert len(boxes) >= len(LANDMARKS)
    for (one, *first), (other, *second) in combinations(boxes, 2):
        apart = (
            first[1] < second[0] or second[1] < first[0]
            or first[3] < second[2] or second[3] < first[2]
        )  # fmt: skip
        assert apart, f"{one} touches {other}"


def test_no_landmark_is_written_over_a_mark_on_a_telephone():
    figure = model_ladder(ROWS)
    for trace in figure.data:
        if "markers" not in (trace.mode or ""):
            continue
        half = trace.marker.size / 2
        for x, y, (row, *_) in zip(trace.x, trace.y, trace.customdata, strict=True):
            x, y = on_a_telephone(figure, x, math.log10(y))
            for name, (left, right, bottom, top) in (
                (text, box) for text, *box in names_on_a_telephone(figure)
            ):
                apart = x + half < left or right < x - half or y + half < bottom or top < y - half
                assert apart, f"{name} is written over {row}"


def test_a_model_of_no_known_size_has_no_ring():
    figure = model_ladder(ROWS, chosen="gpt-4")
    assert all(trace.marker.symbol != "circle-open" for trace in figure.data)


def test_the_landmarks_are_models_of_the_table():
    assert set(LANDMARKS) <= IDS


def test_axes_say_what_they_measure():
    layout = model_ladder(ROWS, dark=True).layout
    assert (layout.yaxis.type, layout.yaxis.title.text) == ("log", "parameters")
    assert "1 B" in layout.yaxis.ticktext
    assert "10 T" in layout.yaxis.ticktext
    assert layout.template.layout.paper_bgcolor == "#16171a"


def test_an_empty_table_gives_an_empty_picture():
    assert [trace.name for trace in model_ladder([]).data if trace.customdata is not None] == []
