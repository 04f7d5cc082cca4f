import json
from dataclasses import replace

import numpy as np
import pytest

from kvviz.analysis.roofline import roof_points
from kvviz.analysis.speed_up import speed_ups
from kvviz.figures.cache_bytes import cache_bytes_curve
from kvviz.figures.label_places import Box, label_box, mark_box
from kvviz.figures.roofline import roofline
from kvviz.figures.speed_up_curve import speed_up_curve
from kvviz.figures.step_parts import PART_COLOURS, step_parts
from kvviz.lessons.published_speedups import published_speed_ups
from kvviz.trace.ceilings import Ceilings
from kvviz.trace.step_profile import PARTS, StepProfile
from kvviz.ui.pages.speed_and_memory.recorded_race import FILE, recorded_race
from kvviz.ui.pages.speed_and_memory.settings import RaceSettings
from tests.races import CARD, made_up_race


def named(figure, name):
    (trace,) = [trace for trace in figure.data if trace.name == name]
    return trace


def has_units(figure):
    assert figure.layout.xaxis.title.text
    assert figure.layout.yaxis.title.text
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"


def test_the_curve_is_what_was_measured_beside_what_was_published():
    ups, published = speed_ups(made_up_race()), published_speed_ups()
    figure = speed_up_curve(ups, published)
    has_units(figure)
    assert list(named(figure, "measured here").y) == ups.median.tolist()
    marks = named(figure, "published, see the list")
    assert list(marks.y) == [one.speed_up for one in published]
    assert [text.strip("\N{NO-BREAK SPACE}") for text in marks.text[:2]] == ["A Lages", "B Raschka"]
    low, high = figure.layout.yaxis.range
    assert low < np.log10(min(0.5, *marks.y))
    assert high > np.log10(max(marks.y))
    (band, _) = figure.layout.shapes
    assert (band.y0, band.y1) == (2.0, 4.0)


def test_on_a_telephone_no_label_covers_another_or_a_mark_or_the_line_of_no_gain():
    published = published_speed_ups()
    figure = speed_up_curve(None, published, recorded_race())
    marks = named(figure, "published, see the list")
    # What a telephone leaves the plot, and the size of its letters.
    wide, tall, letter = 284, 290, 6.0
    (left, right), (low, high) = figure.layout.xaxis.range, figure.layout.yaxis.range
    points = [
        ((np.log10(x) - left) / (right - left) * wide, (np.log10(y) - low) / (high - low) * tall)
        for x, y in zip(marks.x, marks.y, strict=True)
    ]
    boxes = {
        (text, place): label_box(text.strip("\N{NO-BREAK SPACE}"), x, y, place, marks.marker.size)
        for (x, y), text, place in zip(points, marks.text, marks.textposition, strict=True)
        if text
    }
    # 0.97 and 0.96 lie upon each other, and have one label.
    assert [text for text, _ in boxes if text.startswith(("F", "G"))] == ["F G batch 1, 4\xa0"]
    assert len(boxes) == len(published) - 1
    line = Box(0, -low / (high - low) * tall, wide, -low / (high - low) * tall + 1)
    for (label, place), box in boxes.items():
        others = [other for key, other in boxes.items() if key != (label, place)]
        for other in (*others, *(mark_box(x, y, marks.marker.size) for x, y in points), line):
            assert box.common(other) == 0, (label, place, other)
        assert box.left >= 0
        assert box.right <= wide
        assert box.right - box.left == pytest.approx(letter * len(label.strip("\xa0")))


def test_a_recorded_race_is_a_thin_line_that_names_its_machine():
    recorded = recorded_race()
    figure = speed_up_curve(speed_ups(made_up_race()), published_speed_ups(), recorded)
    line = named(figure, f"recorded: {recorded.machine}")
    assert list(line.y) == recorded.ups.median.tolist()
    assert line.line.width < named(figure, "measured here").line.width
    assert figure.layout.yaxis.range[1] > np.log10(recorded.ups.median.max())


def test_the_race_that_ships_is_the_first_visit_s_and_hangs_together():
    ups, wanted = recorded_race().ups, RaceSettings()
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    assert ups.n_new[-1] == wanted.new
    assert (stored["n_prompt"], stored["torch"].split("+")[0]) == (wanted.prompt_tokens, "2.13.0")
    assert (ups.low <= ups.median).all()
    assert (ups.median <= ups.high).all()


def test_before_a_race_there_is_no_measured_line():
    names = {trace.name for trace in speed_up_curve(None, published_speed_ups()).data}
    assert names == {"published, see the list"}


def test_bytes_are_drawn_by_formula_and_as_the_tensors_held_them():
    race = made_up_race(batch=2)
    figure = cache_bytes_curve(race)
    has_units(figure)
    line = named(figure, "fp32, by formula")
    assert np.allclose(line.y, np.array(line.x) * 192 * 2)
    real = named(figure, "the real tensors")
    assert list(real.x) == [5, 6, 7, 8]
    assert list(real.y) == race.cache_bytes.tolist()
    assert set(named(figure, "weights").y) == {3_416 * 4}


def test_bytes_of_a_window_are_level_from_its_budget_on():
    race = replace(made_up_race(), rows=6, sinks=1)
    kept = named(cache_bytes_curve(race), "6 rows kept, by formula")
    each = race.model.cache_bytes_per_token
    assert list(kept.y) == [each, 5 * each, 5 * each]
    assert list(kept.x[:2]) == [1, 5]


def test_parts_are_shares_of_each_step():
    seconds = np.tile(np.arange(1.0, 8.0), (3, 1))
    profile = StepProfile(CARD, 1, 9, 1, seconds, np.ones(3))
    figure = step_parts({"1 row": profile})
    assert [trace.name for trace in figure.data] == list(PARTS) == list(PART_COLOURS)
    assert np.isclose(sum(trace.x[0] for trace in figure.data), 100)
    assert np.isclose(named(figure, "rest").x[0], 100 * 7 / 28)
    assert "28,000.00 ms" in figure.data[0].y[0]


def test_the_roof_bends_at_the_ridge_and_steps_stand_where_they_were_measured():
    points = roof_points(made_up_race())
    figure = roofline(points, Ceilings(4e9, 8e9, 1, 1, "float32", "cpu", 1, 7))
    has_units(figure)
    roof = named(figure, "this machine’s roof")
    ridge = list(roof.x).index(2.0)
    assert roof.y[ridge] == roof.y[-1] == 8.0
    assert np.allclose(roof.y[:ridge], 4 * np.array(roof.x[:ridge]))
    (prefill,) = [one for one in points if one.kind == "prefill"]
    mark = named(figure, "prefill")
    assert list(mark.x) == [prefill.intensity]
    assert list(mark.y) == [prefill.flops_per_second / 1e9]
    assert len(roofline(points, None).data) == len(figure.data) - 1
