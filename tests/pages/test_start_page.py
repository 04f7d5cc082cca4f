from kvviz.lessons import lessons
from kvviz.ui.shell.page_list import PAGES


def test_the_start_page_draws_a_stored_run_both_ways_and_leads_on(start):
    page = start()
    assert page.errors == []
    assert [run["cache"] for run in page.player["runs"]] == ["on", "off"]
    assert page.player["view"]["cache"] == "both"
    assert page.player["comparison"]["same_tokens"]
    assert len(page.app.get("page_link")) == len(PAGES) + len(lessons().page_guide)


def test_the_start_page_asks_what_becomes_of_both_counts_when_the_text_is_twice_as_long():
    from kvviz.analysis.cost import token_passes
    from kvviz.ui.work import shipped_runs
    from tests.pages.conftest import Drawn, opened_by_link

    class Start(Drawn):
        def __init__(self):
            self.app = opened_by_link("start", {})

    page = Start()
    runs = shipped_runs.shipped_run(shipped_runs.GPT2).comparison
    p, n = runs.cached.n_prompt, len(runs.cached.steps)
    counts = [sum(s.computed.size for s in run.steps) for run in (runs.cached, runs.uncached)]
    # The formula that tells the longer run is what the observers saw of this one.
    assert counts == [token_passes(p, n, use_cache=use) for use in (True, False)]
    assert f"Both ways wrote {n} tokens: {counts[0]} rows computed" in page.html
    assert 'data-kvviz="verdict"' not in page.html
    (show,) = [one for one in page.app.button if one.label == "Just show me"]
    show.click().run()
    longer = [token_passes(p, 2 * n, use_cache=use) for use in (True, False)]
    times = [f"{there / here:.1f}" for there, here in zip(longer, counts, strict=True)]
    assert (
        f"For {2 * n} tokens {longer[0]} rows with the cache, {times[0]} times as many; "
        f"{longer[1]} without, {times[1]} times as many."
    ) in page.html
    assert 'data-outcome="less than 2× | more than 2.5×"' in page.html


def test_an_unknown_address_is_answered_with_a_polite_line():
    from streamlit.testing.v1 import AppTest

    from tests.pages.conftest import ROUTER

    app = AppTest.from_file(str(ROUTER), default_timeout=60)
    app.query_params["lost"] = "<b>x</b>"
    app.run()
    (line,) = [info.value for info in app.info]
    assert line.startswith("There is no page “")
    assert "<b>" not in line.replace("\\", "|")
