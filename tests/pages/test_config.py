import tomllib
from pathlib import Path

import pytest
from streamlit import config
from streamlit.web import skills

from kvviz.ui import app
from kvviz.ui.app import ROUTER

OF_THE_PACKAGE = ROUTER.parent / ".streamlit" / "config.toml"
OF_THE_CHECKOUT = Path(__file__).parents[2] / ".streamlit" / "config.toml"
CONFIG = tomllib.loads(OF_THE_PACKAGE.read_text(encoding="utf-8"))


def test_a_checkout_has_the_settings_of_the_package():
    """`streamlit run app.py` reads those beside `app.py`, `kvviz app` those beside the router."""
    assert OF_THE_CHECKOUT.read_text(encoding="utf-8") == OF_THE_PACKAGE.read_text(
        encoding="utf-8"
    ), f"One of them was edited alone: cp {OF_THE_PACKAGE} {OF_THE_CHECKOUT}"


def test_nothing_leaves_the_machine_by_itself():
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["browser"]["serverAddress"] == "localhost"


def test_a_visitor_sees_no_inner_words():
    assert CONFIG["client"]["showErrorDetails"] == "none"
    assert CONFIG["client"]["toolbarMode"] == "minimal"


def test_no_visitor_is_offered_lessons_for_coding_agents(monkeypatch):
    """As Streamlit does on every page for who has an agent installed, unless it says no welcome."""
    monkeypatch.setattr(skills, "agent_harness_present", lambda: True)
    options = {"server.headless": False, "logger.hideWelcomeMessage": False}
    monkeypatch.setattr(config, "get_option", options.get)
    assert skills.nudge_suppression_reason() != "welcome_hidden"
    options["logger.hideWelcomeMessage"] = CONFIG["logger"]["hideWelcomeMessage"]
    assert skills.nudge_suppression_reason() == "welcome_hidden"


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ("starlette-app", "kvviz is open at http://localhost:8123 (Ctrl+C ends it)."),
        ("starlette-app-direct", "kvviz is open at http://localhost:8123 (Ctrl+C ends it)."),
        ("asgi-server", ""),
    ],
)
def test_where_the_app_is_is_said_by_who_serves_it(monkeypatch, capsys, server, said):
    options = {
        "browser.serverAddress": "localhost",
        "browser.serverPort": 8123,
        "server.baseUrlPath": "",
    }
    monkeypatch.setattr(config, "get_option", options.get)
    monkeypatch.setattr(config, "_server_mode", server)
    app._say_where()
    assert capsys.readouterr().out.strip() == said


def test_the_server_does_nothing_between_reruns_that_holds_up_a_run():
    assert CONFIG["runner"]["postScriptGC"] is False
    assert CONFIG["server"]["fileWatcherType"] == "none"


def test_every_option_is_one_that_streamlit_knows():
    def options(table, prefix=""):
        for name, value in table.items():
            if isinstance(value, dict):
                yield from options(value, f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}"

    known = set(config._config_options_template)
    assert set(options(CONFIG)) - known == set()
