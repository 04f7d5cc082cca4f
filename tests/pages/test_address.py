"""What of the address bar a page takes in, and when it tells the browser what to put there."""

from contextlib import nullcontext
from types import SimpleNamespace
from urllib.parse import parse_qsl

import pytest

from kvviz.ui.shell import address, history
from kvviz.ui.shell.address import ARRIVED, PAGE, SENT, Address, last_written
from kvviz.ui.shell.history import Step
from tests.pages.conftest import opened_by_link, step_back_to


class Bar(dict):
    """The parameters of a message, and what the browser is told to put in their place."""

    def __init__(self):
        self.told = []

    def from_dict(self, parameters):
        self.told.append(dict(parameters))
        self.clear()
        self.update(parameters)


class CutShort(BaseException):
    """Ends a run of the script, as Streamlit does when a new message comes."""


@pytest.fixture
def browser(monkeypatch):
    """A browser of which a test says what the person did."""
    page = SimpleNamespace(query_params=Bar(), session_state={})
    monkeypatch.setattr(address, "st", page)
    monkeypatch.setattr(history, "st", page)
    page.said = []
    monkeypatch.setattr(
        history, "say", lambda name, said: page.said.append((name, said, history.newest()))
    )

    def does(*, parameters=None, arrived=False, step=None, flag=False):
        """Bring a message with these parameters; `step` is where the person went by history."""
        monkeypatch.setattr(history, "flagged", lambda: flag)
        page.query_params.clear()
        page.query_params.update(parameters or {})
        page.session_state[ARRIVED] = arrived
        if step is not None:
            page.steps += 1
            page.session_state[history._NEWEST] = Step(page.steps, "", step), True

    page.does, page.steps = does, 0
    return page


def taken(bar):
    """Return what a page takes in from its address."""
    links = []
    bar.follow(links.append)
    return links[0].parameters if links else None


def opened(browser, parameters):
    """Return the address of a page that was opened by a link and shows what it says."""
    browser.does(parameters=parameters, arrived=True)
    bar = Address()
    bar.follow(lambda link: None)
    bar.write(parameters)
    browser.query_params.told.clear()
    return bar


@pytest.mark.parametrize("parameters", [{}, {"step": "3"}])
def test_the_first_visit_is_taken_at_its_word(browser, parameters):
    browser.does(parameters=parameters, arrived=True)
    assert taken(Address()) == parameters


def test_a_message_that_still_carries_the_former_address_is_no_link(browser):
    bar = opened(browser, {"step": "3"})
    bar.write({"step": "4"})
    assert browser.query_params == {"step": "4"}
    browser.does(parameters={"step": "3"})
    assert taken(bar) is None


@pytest.mark.parametrize("carried", [{"step": "3"}, {"step": "2"}, {"step": "9"}])
def test_a_step_through_the_history_is_followed_whatever_its_message_carries(browser, carried):
    bar = opened(browser, {"step": "3"})
    browser.does(parameters=carried, step={"step": "2"})
    assert taken(bar) == {"step": "2"}
    browser.does(parameters={"step": "3"})
    assert taken(bar) is None, "a step is followed once"


def test_a_step_to_what_the_page_shows_brings_nothing_and_one_to_its_bare_name_does(browser):
    bar = opened(browser, {"step": "3"})
    browser.does(step={"step": "3"})
    assert taken(bar) is None
    browser.does(step={})
    assert taken(bar) == {}


def test_a_step_is_followed_by_the_next_run_where_one_is_cut_short(browser):
    bar = opened(browser, {"step": "3"})
    browser.does(step={"step": "2"})

    def cut_short(link):
        raise CutShort

    with pytest.raises(CutShort):
        bar.follow(cut_short)
    browser.does(parameters={"step": "3"})
    assert taken(bar) == {"step": "2"}


def test_coming_from_another_page_by_its_name_keeps_what_was_there_and_a_link_does_not(browser):
    bar = opened(browser, {"step": "3"})
    for step in (None, {}):
        browser.does(arrived=True, step=step)
        assert taken(bar) is None
    browser.does(parameters={"step": "3"}, arrived=True)
    assert taken(bar) is None
    browser.does(parameters={"step": "4"}, arrived=True)
    assert taken(bar) == {"step": "4"}


def test_the_browser_is_told_only_what_it_was_not_told_last(browser):
    bar = opened(browser, {"step": "3"})
    browser.does(parameters={"step": "3"})
    bar.write({"step": "3"})
    assert browser.query_params.told == []
    bar.write({"step": "4"})
    assert browser.query_params.told == [{"step": "4"}]


def test_an_address_says_which_step_its_page_has_followed(browser):
    bar = opened(browser, {"step": "3"})
    browser.does(step={"step": "3"})
    bar.write({"step": "3"})
    assert browser.said[-1] == ("", {"step": "3"}, browser.steps)


def test_what_a_run_of_another_page_may_have_overwritten_is_said_again(browser):
    bar = opened(browser, {"step": "3"})
    # The frame, when another page than before is drawn.
    browser.session_state[SENT] = None
    bar.write({"step": "3"})
    assert browser.query_params.told == [{"step": "3"}]


def test_an_address_that_was_told_by_a_run_cut_short_is_told_again(browser):
    bar = opened(browser, {"step": "3"})
    from_dict = browser.query_params.from_dict

    def cut_short(parameters):
        from_dict(parameters)
        raise CutShort

    browser.query_params.from_dict = cut_short
    with pytest.raises(CutShort):
        bar.write({"step": "4"})
    browser.query_params.from_dict = from_dict
    browser.does(parameters={"step": "3"})
    bar.write({"step": "3"})
    assert browser.query_params.told == [{"step": "4"}, {"step": "3"}]


@pytest.fixture
def heard(browser, monkeypatch):
    """A run of the script for a page, and what the browser has told by then."""
    monkeypatch.setattr(history, "_component", lambda: lambda **_: None)
    browser.container = lambda **_: nullcontext()

    def run(page, *, step=None, arrived=False, flag=False):
        if step is not None:
            when, led_to = step
            told = {"when": when, "page": led_to, "query": "a=b"}
            browser.session_state[history.KEY] = {"step": told}
        monkeypatch.setattr(history, "flagged", lambda: flag)
        history.listen(page, arrived=arrived)
        return history.step_to_follow(page)

    return run


def test_a_step_is_for_the_page_it_led_to_and_waits_for_it(heard):
    assert heard("here") is None
    assert heard("here", step=(1, "there")) is None, "a message for this page was in the way"
    assert heard("there", arrived=True, flag=True).parameters == {"a": "b"}


def test_the_page_of_a_step_before_leaves_the_newest_one_open(heard):
    heard("here")
    assert heard("there", step=(2, "beyond"), arrived=True, flag=True) is None
    assert heard("beyond", arrived=True, flag=True).when == 2


def test_who_goes_on_by_a_link_has_left_the_step(heard):
    heard("here")
    heard("here", step=(1, "there"))
    assert heard("elsewhere", arrived=True) is None
    assert heard("there", arrived=True) is None


def test_an_address_is_said_whole_on_the_wire(monkeypatch):
    sent = []
    monkeypatch.setattr(history, "get_script_run_ctx", lambda: SimpleNamespace(enqueue=sent.append))
    steps = {history._NEWEST: (None, False)}
    monkeypatch.setattr(history, "st", SimpleNamespace(session_state=steps))
    history.say("here", {"prompt": "a b&c"})
    steps[history._NEWEST] = Step(12.5, "here", {}), False
    history.say("here", {})
    assert [dict(parse_qsl(message.page_info_changed.query_string)) for message in sent] == [
        {"kvviz-says": "here", "prompt": "a b&c"},
        {"kvviz-says": "here 12.5"},
    ]


def test_a_page_says_its_address_again_after_one_that_has_none(monkeypatch):
    said = []
    app = opened_by_link("model_sizes", {"users": "2"})
    monkeypatch.setattr(history, "say", lambda page, parameters: said.append((page, parameters)))
    app.run()
    assert said == []
    app.switch_page("../../../pages/start.py").run()
    app.switch_page("../../../pages/model_sizes.py").run()
    assert said == [("model_sizes", {"users": "2"})]


def test_a_step_to_a_page_without_an_address_is_followed_by_its_being_there():
    app = opened_by_link("start", {})
    step_back_to(app, "")
    assert app.session_state[history._NEWEST][1] is False


def test_a_page_is_linked_by_what_it_wrote_last(browser):
    browser.session_state[PAGE] = "here"
    browser.does(arrived=True)
    bar = Address()
    bar.follow(lambda link: None)
    assert last_written("here") == {}
    bar.write({"step": "4"})
    assert last_written("here") == {"step": "4"}
    assert last_written("there") == {}


def test_a_step_names_the_page_and_its_parameters():
    step = history.read({"when": 12.5, "page": "kv_cache", "query": "prompt=a+b%26&bare="})
    assert step == Step(12.5, "kv_cache", {"prompt": "a b&", "bare": ""})


@pytest.mark.parametrize(
    "message",
    [None, "back", {}, {"when": "now", "page": "/", "query": ""},
     {"when": 1, "page": None, "query": ""}, {"when": 1, "page": "/", "query": ["x"]},
     {"when": 1, "page": "/", "query": "x" * (history.LONGEST_ADDRESS + 1)}],
)  # fmt: skip
def test_what_is_no_step_is_left_unheard(message):
    assert history.read(message) is None
