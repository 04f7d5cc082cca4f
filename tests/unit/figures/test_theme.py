import re

import pytest

from kvviz.figures import theme


def luminance(colour: str) -> float:
    """Relative luminance of a colour, by WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["COMPUTED", "REUSED", "WITH_CACHE", "WITHOUT_CACHE"])
def test_lines_stand_out_from_both_grounds(dark, name):
    ground = theme.template(dark=dark).layout.paper_bgcolor
    # WCAG 2.2, 1.4.11: at least 3 to 1 for parts of a chart.
    assert contrast(getattr(theme, name), ground) >= 3


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_on_its_ground(dark):
    layout = theme.template(dark=dark).layout
    # WCAG 2.2, 1.4.3: at least 4.5 to 1 for text.
    assert contrast(layout.font.color, layout.paper_bgcolor) >= 4.5
    assert contrast(layout.hoverlabel.font.color, layout.hoverlabel.bgcolor) >= 4.5


def test_light_and_dark_differ():
    light, dark = (theme.template(dark=dark).layout for dark in (False, True))
    assert luminance(light.paper_bgcolor) > 0.8 > 0.1 > luminance(dark.paper_bgcolor)


def test_no_font_has_to_be_fetched():
    assert theme.FONT.startswith("system-ui")
    assert not re.search("http|url", str(theme.template()))
