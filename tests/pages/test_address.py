"""What of the address bar a page takes in, and what it takes for an echo of its own."""

from types import SimpleNamespace

import pytest

from kvviz.ui.shell import address
from kvviz.ui.shell.address import ARRIVED, PAGE, Address, last_written


class Bar(dict):
    """The address bar's parameters."""

    def from_dict(self, parameters):
        self.clear()
        self.update(parameters)


@pytest.fixture
def browser(monkeypatch):
    """A browser of which a test says what the person did."""
    page = SimpleNamespace(query_params=Bar(), session_state={})
    monkeypatch.setattr(address, "st", page)

    def does(*, parameters, arrived=False, stepped=False):
        page.query_params.from_dict(parameters)
        page.session_state[ARRIVED] = arrived
        monkeypatch.setattr(address, "by_history", lambda: stepped)

    page.does = does
    return page


@pytest.mark.parametrize("parameters", [{}, {"step": "3"}])
def test_the_first_visit_is_taken_at_its_word(browser, parameters):
    browser.does(parameters=parameters, arrived=True)
    assert Address().incoming() == parameters


def test_a_message_that_still_carries_the_former_address_is_no_link(browser):
    browser.does(parameters={"step": "3"}, arrived=True)
    bar = Address()
    bar.incoming()
    bar.write({"step": "4"})
    assert browser.query_params == {"step": "4"}
    browser.does(parameters={"step": "3"})
    assert bar.incoming() is None


def test_a_step_back_is_taken_in_unless_the_page_is_there_already(browser):
    browser.does(parameters={"step": "3"}, arrived=True)
    bar = Address()
    bar.incoming()
    browser.does(parameters={"step": "3"}, stepped=True)
    assert bar.incoming() is None
    browser.does(parameters={}, stepped=True)
    assert bar.incoming() == {}
    browser.does(parameters={"step": "2"}, arrived=True, stepped=True)
    assert bar.incoming() == {"step": "2"}


def test_coming_from_another_page_by_its_name_keeps_what_was_there_and_a_link_does_not(browser):
    browser.does(parameters={"step": "3"}, arrived=True)
    bar = Address()
    bar.incoming()
    for stepped in (False, True):
        browser.does(parameters={}, arrived=True, stepped=stepped)
        assert bar.incoming() is None
    browser.does(parameters={"step": "3"}, arrived=True)
    assert bar.incoming() is None
    browser.does(parameters={"step": "4"}, arrived=True)
    assert bar.incoming() == {"step": "4"}


def test_a_page_is_linked_by_what_it_wrote_last(browser):
    browser.session_state[PAGE] = "here"
    browser.does(parameters={}, arrived=True)
    bar = Address()
    bar.incoming()
    assert last_written("here") == {}
    bar.write({"step": "4"})
    assert last_written("here") == {"step": "4"}
    assert last_written("there") == {}
