"""The lives of two models that write, packed for the component that draws them."""

import numpy as np
import pytest

from kvviz.engine import trace_generation, write_by_appending
from kvviz.player.lives import STATES
from kvviz.ui.pages.bert_vs_gpt2.writing import masked_life
from kvviz.ui.parts.written_lives import kept_life, pack
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import RunSettings
from tests.payload_reader import unpack

TEXT = "The cat sat on"


@pytest.fixture(scope="module")
def bert():
    return model_store().get(RunSettings(model="kvviz/bert-mini"))


@pytest.fixture(scope="module")
def written(model, bert):
    """Both models write three tokens."""
    return (
        trace_generation(model, TEXT, max_new_tokens=3),
        write_by_appending(bert, bert.tokenize(TEXT), 3),
    )


def test_each_cell_is_what_the_observers_saw(written, bert):
    trace, masked = written
    header, arrays = unpack(pack([kept_life("one", trace), masked_life("other", bert, masked)]))
    assert header["n_steps"] == 3
    seen = [{}, {}]
    for number, found in enumerate(seen):
        for step, state, first, end in arrays[f"{number}.lives"].tolist():
            found.setdefault((step, STATES[state]), []).extend(range(first, end))
    for step in trace.steps:
        assert seen[0].pop((step.index, "computed")) == step.computed.tolist()
        assert seen[0].pop((step.index, "read"), []) == step.reused.tolist()
    for number, one in enumerate(masked.passes):
        assert seen[1].pop((number, "computed")) == one.computed.tolist()
    assert seen == [{}, {}]


def test_a_position_has_the_token_that_stood_there_at_that_pass(written, bert):
    trace, masked = written
    header, arrays = unpack(pack([kept_life("one", trace), masked_life("other", bert, masked)]))

    def texts(number, step):
        row = arrays[f"{number}.tokens"][step]
        assert (np.diff(row < 0).sum()) <= 1, "what is not there yet stands behind what is"
        return [header["texts"][text] for text in row if text >= 0]

    assert texts(0, 2) == trace.tokens[: trace.n_prompt + 2]
    for step, one in enumerate(masked.passes):
        assert texts(1, step) == [bert.token_text(token_id) for token_id in one.fed.tolist()]
        assert texts(1, step)[-2:] == ["[MASK]", "[SEP]"]
    # The first token of the text is one line in both: [CLS] stands above it.
    assert [one["first"] for one in header["writers"]] == [1, 0]
    assert texts(0, 0)[0] == texts(1, 0)[1]


def test_a_model_that_ended_its_text_has_no_rows_after_it(written, bert):
    trace, _ = written
    shorter = write_by_appending(bert, bert.tokenize(TEXT), 2)
    header, arrays = unpack(pack([kept_life("one", trace), masked_life("other", bert, shorter)]))
    assert header["n_steps"] == 3
    assert [one["n_steps"] for one in header["writers"]] == [3, 2]
    assert (arrays["1.tokens"][2] < 0).all()
    assert arrays["1.lives"][:, 0].max() == 1
