from contextlib import contextmanager

import pytest

from kvviz.engine import fill_from_both_sides, write_by_appending, write_by_refining
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.running.reading import MaskedEnds
from kvviz.errors import (
    ContextLengthError,
    ModelFamilyError,
    ObservationError,
    OptionsError,
    PromptError,
    RunCancelledError,
)
from tests.unit.engine.conftest import state_of


@pytest.fixture
def begun(bert):
    return bert.tokenize("The cat sat on")


def likeliest(bert, ids, blank):
    """The most likely token for a place that is none of those around a text."""
    ends = MaskedEnds.of(bert)
    ruled_out = {ends.before, ends.after, ends.mask}
    guesses = fill_from_both_sides(bert, ids, blank, n_top=4).ids.tolist()
    return next(guess for guess in guesses if guess not in ruled_out)


def test_appending_fills_one_mask_after_the_other(bert, begun):
    found = write_by_appending(bert, begun, 4)
    text = list(begun)
    for _ in range(4):
        text.append(likeliest(bert, [*text, 0], len(text)))
    assert list(found.token_ids) == text[len(begun) :]
    assert found.drafts == (found.token_ids,)
    assert found.n_passes == 4
    # [CLS], what is there, [MASK], [SEP]: all rows anew in every pass.
    assert found.n_rows == sum(len(begun) + new + 3 for new in range(4))
    ends = MaskedEnds.of(bert)
    for new, one in enumerate(found.passes):
        assert one.fed.tolist() == ends.around([*text[: len(begun) + new], ends.mask])
        assert one.computed.tolist() == list(range(len(begun) + new + 3))


def test_rows_are_those_that_the_projections_were_seen_to_make(bert, begun, monkeypatch):
    """A projection that reports another number of rows than were fed is not believed."""
    real = StepObservation.watching

    @contextmanager
    def deaf_at_the_end(observation):
        with real(observation):
            yield
        observation.projected[-1] = (observation.projected[-1][0], 1)

    monkeypatch.setattr(StepObservation, "watching", deaf_at_the_end)
    with pytest.raises(ObservationError):
        write_by_appending(bert, begun, 1)


def test_refining_ends_where_the_last_sweep_took_the_likeliest(bert, begun):
    one = write_by_refining(bert, begun, 1, n_sweeps=1)
    assert list(one.token_ids) == [likeliest(bert, [*begun, 0], len(begun))]
    found = write_by_refining(bert, begun, 5, n_sweeps=3, seed=1)
    assert found.n_passes == 15
    assert found.n_rows == 15 * (len(begun) + 5 + 2)
    assert len(found.drafts) == 3
    assert found.drafts[-1] == found.token_ids
    ends = MaskedEnds.of(bert)
    assert not {ends.before, ends.after, ends.mask} & {
        one for draft in found.drafts for one in draft
    }


def test_the_seed_decides_and_nothing_else(bert, begun):
    drafts = [write_by_refining(bert, begun, 6, n_sweeps=2, seed=seed).drafts for seed in (1, 1, 2)]
    assert drafts[0] == drafts[1]
    assert drafts[0] != drafts[2]


@pytest.mark.parametrize("write", [write_by_appending, write_by_refining])
def test_progress_is_told_and_cancelling_ends_the_work(bert, begun, write):
    told = []
    found = write(bert, begun, 3, progress=lambda done, n: told.append((done, n)))
    assert told == [(done + 1, found.n_passes) for done in range(found.n_passes)]
    with pytest.raises(RunCancelledError):
        write(bert, begun, 3, cancel=lambda: len(told) > 0)


@pytest.mark.parametrize("write", [write_by_appending, write_by_refining])
def test_bad_input_is_refused_in_words(model, bert, begun, write):
    with pytest.raises(ModelFamilyError, match="Only a BERT"):
        write(model, begun, 3)
    with pytest.raises(PromptError, match="empty"):
        write(bert, [], 3)
    with pytest.raises(OptionsError, match="1 token or more"):
        write(bert, begun, 0)
    with pytest.raises(ContextLengthError, match="positions"):
        write(bert, begun, bert.card.n_ctx)
    with pytest.raises(OptionsError, match="1 sweep or more"):
        write_by_refining(bert, begun, 3, n_sweeps=0)


def test_writing_leaves_the_model_as_it_was(bert, begun):
    before = state_of(bert)
    write_by_appending(bert, begun, 2)
    write_by_refining(bert, begun, 2)
    assert state_of(bert) == before


@pytest.mark.parametrize("seed", ["x", 2**70, -1, 1.5])
def test_a_seed_is_a_whole_number(bert, seed):
    with pytest.raises(OptionsError, match="A seed must be a whole number"):
        write_by_refining(bert, bert.tokenize("The cat"), 2, seed=seed)
