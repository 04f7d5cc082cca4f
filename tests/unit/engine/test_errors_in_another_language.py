"""The errors of the engine are said in the language of who runs it, to the last part of each."""

import json
import re

import pytest
import torch

from kvviz import caches
from kvviz.engine import load_model, trace_generation
from kvviz.engine.asking.blanks import fill_by_trying, fill_from_both_sides
from kvviz.engine.asking.masked_writing import write_by_appending
from kvviz.engine.asking.scoring import log_likelihood
from kvviz.engine.caches.preallocated_layer import PreallocatedLayer
from kvviz.engine.running.encoding import trace_encoding
from kvviz.engine.timing import race as engine_race
from kvviz.engine.timing.race import Runner, race
from kvviz.engine.timing.step_profile import profile_step
from kvviz.errors import KvvizError, ObservationError
from kvviz.translation import PSEUDO, gettext, using

PROMPT = "The first token of this text is the one that"


def outside_brackets(text: str) -> str:
    """Return what was not translated of a text in the pseudo-language."""
    while re.search("⟦[^⟦⟧]*⟧", text):
        text = re.sub("⟦[^⟦⟧]*⟧", "", text)
    return text.strip()


REFUSED = {
    "empty prompt": lambda gpt2, bert: trace_generation(gpt2, ""),
    "long prompt": lambda gpt2, bert: trace_generation(gpt2, "word " * 5000),
    "many new tokens": lambda gpt2, bert: trace_generation(gpt2, PROMPT, max_new_tokens=40),
    "no cache": lambda gpt2, bert: trace_generation(gpt2, PROMPT, cache=caches.Full),
    "ends of a run": lambda gpt2, bert: trace_generation(gpt2, PROMPT, stop_ids=[-1]),
    "cancelled": lambda gpt2, bert: trace_generation(gpt2, PROMPT, cancel=lambda: True),
    "a bert that writes": lambda gpt2, bert: trace_generation(bert, PROMPT),
    "long text": lambda gpt2, bert: trace_encoding(bert, "the " * 23),
    "hidden from a gpt2": lambda gpt2, bert: trace_encoding(gpt2, PROMPT, hide=[1]),
    "hidden nowhere": lambda gpt2, bert: trace_encoding(bert, "the", hide=[99]),
    "spare rows": lambda gpt2, bert: trace_encoding(bert, "the", pad_to=0),
    "another family": lambda gpt2, bert: log_likelihood(bert, [1, 2]),
    "no scores": lambda gpt2, bert: log_likelihood(gpt2, [1], positions=[0]),
    "no ids": lambda gpt2, bert: log_likelihood(gpt2, "ab"),  # pyright: ignore
    "too many ids": lambda gpt2, bert: log_likelihood(gpt2, [1] * 5000),
    "no such word": lambda gpt2, bert: fill_by_trying(gpt2, [1, 2, 3], 1, [10**9]),
    "blank before all": lambda gpt2, bert: fill_by_trying(gpt2, [1, 2, 3], 0, [1]),
    "blank behind all": lambda gpt2, bert: fill_from_both_sides(bert, [1, 2, 3], 3),
    "nothing to write": lambda gpt2, bert: write_by_appending(bert, [1, 2, 3], 0),
    "a race of none": lambda gpt2, bert: race(gpt2, repeats=0),
    "a long race": lambda gpt2, bert: race(gpt2, n_prompt=4000),
    "a bert that races": lambda gpt2, bert: race(bert),
    "a long step": lambda gpt2, bert: profile_step(gpt2, 4000),
    "no device": lambda gpt2, bert: load_model("kvviz/gpt2-mini", device="cuda:99"),
    "no format": lambda gpt2, bert: load_model("kvviz/gpt2-mini", dtype="float8"),
    "no model": lambda gpt2, bert: load_model("kvviz/nothing"),
}


def said_in_pseudo(work) -> KvvizError:
    with using(PSEUDO), pytest.raises(KvvizError) as caught:
        work()
    error = caught.value
    assert error.what
    for part in (error.what, error.found, error.fix):
        assert outside_brackets(part) == ""
    return error


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_said_in_the_language_of_who_asks(model, bert, case):
    said_in_pseudo(lambda: REFUSED[case](model, bert))


@pytest.mark.parametrize(
    "settings",
    [
        {"model_type": "llama"},
        {"add_cross_attention": True},
        {"model_type": "bert", "is_decoder": True},
        {"model_type": "t5", "is_encoder_decoder": False},
        {"n_head": 7},
        {"n_inner": 0},
        {"n_layer": 0},
        {"activation_function": "step"},
        {"n_embd": "wide"},
        {"model_type": "bert", "pad_token_id": 10**6},
        {"model_type": "t5", "relative_attention_num_buckets": 1},
        {"model_type": "t5", "relative_attention_max_distance": 16},
        {"n_layer": 1},
        {"n_layer": 13},
    ],
    ids=str,
)
def test_what_is_wrong_with_a_config_is_said_so_too(folder, settings):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | settings), encoding="utf-8")
    said_in_pseudo(lambda: load_model(folder, device="cpu"))


def test_observers_that_disagree_say_it_in_whole_sentences(model, monkeypatch):
    plain = PreallocatedLayer.update
    monkeypatch.setattr(
        PreallocatedLayer, "update", lambda *given: [rows.clone() for rows in plain(*given)]
    )
    error = said_in_pseudo(lambda: trace_generation(model, PROMPT, max_new_tokens=2))
    assert isinstance(error, ObservationError)
    assert error.found.count("⟦") == 2


def test_memory_that_runs_out_is_followed_by_advice_in_that_language(model, monkeypatch):
    monkeypatch.setattr(engine_race, "free_bytes", lambda _: 1000)
    said_in_pseudo(lambda: race(model, batch=1000))
    monkeypatch.undo()

    def full(self):
        raise torch.OutOfMemoryError("no more")

    monkeypatch.setattr(Runner, "step", full)
    with using(PSEUDO), pytest.raises(KvvizError) as caught:
        race(model, n_prompt=4, n_new=4)
    assert (outside_brackets(caught.value.what), caught.value.found) == ("", "no more")
    assert outside_brackets(caught.value.fix) == ""


def test_a_cache_is_summed_up_in_that_language():
    for kind in caches.ALL.values():
        with using(PSEUDO):
            assert outside_brackets(gettext(kind.summary)) == ""
        assert kind.summary.isascii(), "the constant itself stays English"
