"""Branches of a run and other ways of keeping its rows, on the main page without a browser."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest

import kvviz
from kvviz.analysis import to_csv
from kvviz.errors import LinkError
from kvviz.player import fingerprint
from kvviz.ui.pages.kv_cache.branches import TYPED
from kvviz.ui.parts import saving
from kvviz.ui.parts.player import checked_request
from kvviz.ui.work.branch_path import MOST_FORKS, branch_path
from kvviz.ui.work.run_settings import RunSettings

PROMPT = "Once upon a time there was a little dog who"
NEW = 6


@pytest.fixture(scope="module")
def root(model):
    return kvviz.trace_generation(model, PROMPT, max_new_tokens=NEW)


def another(run, step):
    """Return the likeliest token after a step that the run did not take."""
    found = run.steps[step]
    return next(int(one) for one in found.top_ids if one != found.chosen_id)


def hooks(page, name):
    (found,) = re.findall(rf'data-kvviz="{name}"([^>]*)>', page.html)
    return dict(re.findall(r'data-([a-z-]+)="([^"]*)"', found))


def hold_what_is_taken_away(page):
    """Hold files of the run on screen to it."""
    shown = page.state.shown
    saved = kvviz.open_trace(io.BytesIO(saving.npz(shown.trace)))
    assert fingerprint(saved) == fingerprint(shown.trace)
    assert len(to_csv(shown.trace).splitlines()) == len(shown.trace.steps) + 1
    assert saving.html_page(shown, page.state.view).count("kvviz") > 3


def opened(kv_cache, **parameters):
    return kv_cache(prompt=PROMPT, new=f"{NEW}", **parameters)


def test_a_link_opens_a_branch_whose_reused_rows_are_those_that_the_run_wrote(
    kv_cache, model, root
):
    token = another(root, 2)
    page = opened(kv_cache, branch=f"2.{token}")
    assert page.errors == page.notes == []
    at = root.n_prompt + 2
    own = page.state.shown.trace
    expected = kvviz.trace_generation(
        model, [*root.token_ids[:at].tolist(), token], max_new_tokens=NEW - 3, prefix=root
    )
    assert own.token_ids.tolist() == expected.token_ids.tolist()
    assert len(own.token_ids) == len(root.token_ids)
    told = hooks(page, "branches")
    assert told["parts-at"] == told["n-shared"] == told["n-proven"] == f"{at}"
    assert told["n-computed"] == f"{own.n_rows - at}" == "3"
    # The control: every row from nothing.
    alone = kvviz.trace_generation(model, own.token_ids[:-1], max_new_tokens=1)
    assert int(told["flops"]) == own.steps[0].flops < int(told["flops-alone"])
    prompt_alone = kvviz.trace_generation(model, own.token_ids[: own.n_prompt], max_new_tokens=1)
    assert int(told["flops-alone"]) == prompt_alone.steps[0].flops
    # Orders of summation differ: a few units in the last place of numbers of ten.
    assert float(told["row-difference"]) < 1e-4
    assert np.abs(own.all_keys - alone.all_keys).max() < 1e-4
    assert told["same-next"] == "1"
    # Its life is drawn as shared, and it was made without the cache too.
    header = page.player
    assert header["runs"][0]["n_reused"][0] == at
    assert [run["cache"] for run in header["runs"]] == ["on", "off"]
    assert hooks(page, "run-tree") == {"n-runs": "2", "shown": f"2.{token}"}
    compared = hooks(page, "compared-runs")
    assert (compared["n-same"], compared["parts-at"]) == ("2", f"{at}")
    losses = [-np.log(step.chosen_prob) for step in root.steps[2:]]
    assert float(compared["other-loss"]) == pytest.approx(np.mean(losses), abs=1e-3)
    assert float(compared["loss"]) > 0
    hold_what_is_taken_away(page)
    assert page.app.query_params["branch"] in (f"2.{token}", [f"2.{token}"])


def test_a_press_on_a_bar_and_typing_over_branch_off_and_tabs_lead_back(kv_cache, root):
    page = opened(kv_cache)
    shown, token = page.state.shown, another(root, 1)
    run_id = fingerprint(shown.subject)
    asked = {"id": run_id, "branch": {"step": 1, "token": token}}
    assert checked_request(asked, shown).branch == (1, token)
    chosen = shown.trace.steps[1].chosen_id
    for step, wrong in ((1, chosen), (1, -1), (1, "3"), (NEW, token), (-1, token), (True, token)):
        with pytest.raises(LinkError, match="cannot have"):
            checked_request(asked | {"branch": {"step": step, "token": wrong}}, shown)
    with pytest.raises(LinkError, match="cannot have"):
        checked_request(asked | {"id": "0" * 32}, shown)
    # Going back and typing over: what the run says itself first is no branch yet.
    page.state.view = replace(page.state.view, step=1)
    own = shown.trace.tokens[root.n_prompt + 1]
    page.app.text_input(key=TYPED).set_value(f"{own} zebra").run()
    page.press(f"{TYPED}:go")
    branch = page.state.shown.settings.branch
    assert (branch.forks[0].step, page.notes) == (2, [])
    assert "zebra" in "".join(page.state.shown.branch.taken)
    assert hooks(page, "branches")["n-shared"] == f"{root.n_prompt + 2}"
    assert hooks(page, "run-tree")["n-runs"] == "2"
    # A branch of the branch, and back by its tab to where it was left.
    inner = page.state.shown.trace
    page.state.wanted = replace(
        page.state.shown.settings, branch=branch_path(f"{branch}-0.{another(inner, 0)}")
    )
    page.app.run()
    page.finish()
    assert hooks(page, "run-tree")["n-runs"] == "3"
    assert hooks(page, "branches")["n-proven"] == f"{inner.n_prompt}"
    page.app.segmented_control(key="kv:tree").set_value(0).run()
    page.finish()
    assert page.state.shown.settings == RunSettings(prompt=PROMPT, new=NEW)
    assert (page.player["view"]["step"], page.errors) == (2, [])
    page.app.text_input(key=TYPED).set_value("".join(root.tokens[root.n_prompt + 2 :])).run()
    page.press(f"{TYPED}:go")
    assert page.notes == ["The run itself goes on like this from the step in view."]


def test_a_branch_that_is_not_there_is_refused_in_a_sentence(kv_cache, root):
    taken = int(root.token_ids[root.n_prompt + 1])
    for branch, words in (
        ("40.5", f"no step 40 to branch off. It has {NEW} steps, 0 to {NEW - 1}."),
        ("1.9999999", "There is no token 9999999 to take."),
        (f"1.{taken}", "The run itself goes on like this after step 1."),
    ):
        page = opened(kv_cache, branch=branch)
        (error,) = page.errors
        assert words in re.sub(r"\\(.)|\*\*|  \n", lambda m: m[1] or " ", error).replace("  ", " ")
    page.press("kv:remedy")
    assert (page.errors, page.state.shown.settings.branch) == ([], RunSettings().branch)
    page = opened(kv_cache, branch="-".join(["0.5"] * (MOST_FORKS + 1)))
    assert "branch is " in page.notes[0]
    assert page.errors == []


def test_a_link_says_how_rows_are_kept_beside_the_run_with_every_row(kv_cache, model, root):
    page = opened(kv_cache, cache="window:4+2")
    assert page.errors == page.notes == []
    expected = kvviz.trace_generation(
        model, PROMPT, max_new_tokens=NEW, cache=kvviz.caches.Window(size=4, sinks=2)
    )
    assert page.state.shown.trace.token_ids.tolist() == expected.token_ids.tolist()
    assert page.player["named_cache"]["name"] == "window"
    assert page.app.selectbox(key="kv:cache").value == "window:4+2"
    assert hooks(page, "run-tree") == {"n-runs": "2", "shown": "window:4+2"}
    compared = hooks(page, "compared-runs")
    assert int(compared["bytes"]) == expected.steps[-1].cache_bytes
    assert int(compared["other-bytes"]) == root.steps[-1].cache_bytes
    assert 'data-kvviz="branches"' not in page.html
    assert "this run does not keep every one as it was written" in page.html
    hold_what_is_taken_away(page)
    table = to_csv(expected).splitlines()
    column = table[0].split(",").index("n_evicted")
    assert [int(line.split(",")[column]) for line in table[1:]] == [
        step.evicted.shape[1] for step in expected.steps
    ]
    # Its tab leads to the run with every row, and the address says which is shown.
    page.app.segmented_control(key="kv:tree").set_value(0).run()
    page.finish()
    assert page.state.shown.comparison is not None
    assert "cache" not in page.app.query_params


def test_a_way_that_cannot_be_kept_to_is_refused_in_a_sentence(kv_cache):
    for words in ("window:0", "low-rank:9999", "quantised:3", "window:4,positions=renumbered"):
        page = opened(kv_cache, cache=words)
        (error,) = page.errors
        assert error
    page.press("kv:remedy")
    assert (page.errors, page.state.shown.settings.cache) == ([], "full")
