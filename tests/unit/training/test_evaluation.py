import dataclasses
from pathlib import Path

import pytest
import torch

import kvviz
from kvviz.lessons.model_table import model_table
from training.budget import token_budget
from training.errors import CheckpointError, RecipeError
from training.evaluation import evaluate
from training.evaluation.masked_token import unmask
from training.evaluation.subject import Subject, Texts
from training.export import export
from training.loop import Run, RunOptions
from training.packing import load_packed


@pytest.fixture
def trained(tiny_recipe, corpus_folder, tmp_path, monkeypatch):
    """Trains a family for two steps and exports it; returns run and model folders."""
    monkeypatch.setattr("training.loop.LOG_EVERY_STEPS", 1)
    monkeypatch.setattr("training.loop.N_FILM_CTX", 32)
    monkeypatch.setattr("training.evaluation.next_token.SAMPLE_TOKENS", 3)
    monkeypatch.setattr("training.evaluation.heads.N_REPEATED", 16)
    monkeypatch.setattr("training.evaluation.blanks.N_BLANKS", 20)

    def train(family, seed=0):
        shape = dataclasses.replace(tiny_recipe.shape, family=family)
        recipe = dataclasses.replace(tiny_recipe, name=f"{family}-mini", shape=shape)
        corpus = load_packed(corpus_folder, tmp_path / f"work-{seed}", seed)
        out = tmp_path / f"run-{family}"
        options = RunOptions(out, torch.device("cpu"), compile=False, resume=False)
        Run(recipe, corpus, corpus_folder, seed, options).train(token_budget(2 * 4096))
        return out, tmp_path / f"model-{family}"

    return train


@pytest.mark.parametrize("family", ["gpt2", "bert", "t5"])
def test_a_run_becomes_a_folder_with_a_card(trained, corpus_folder, family):
    run, folder = trained(family)
    export(run, folder, corpus_folder)
    card = (folder / "README.md").read_text()
    assert card.startswith(f"# kvviz/{family}-mini\n")
    assert "0.0M tokens seen" in card
    for part in ("Held-out figures", "CC-BY-SA 4.0", "dated", "It knows no facts"):
        assert part in card
    # What the table of models says of the weights has to stand in their card.
    (licence,) = (row.licence for row in model_table() if row.id == "gpt2-mini")
    assert f"**Licence:** {licence}, as all of kvviz" in card
    assert (Path(kvviz.__file__).parents[1] / "LICENSE").read_text().startswith(f"{licence} Lic")
    assert (folder / "film.jsonl").read_text() == (run / "film.jsonl").read_text()
    assert (folder / "evaluation.json").exists()


def test_figures_of_gpt2_stand_in_its_card(trained, corpus_folder):
    run, folder = trained("gpt2")
    figures = export(run, folder, corpus_folder).record()
    card = (folder / "README.md").read_text()
    assert f"| 5-gram, interpolated modified Kneser-Ney | {figures['five_gram']:.3f} |" in card
    assert f"**{figures['bits_per_character']:.3f}**" in card
    assert figures["five_gram"] < figures["unigram"] < figures["bits_per_character"]


def test_a_twin_is_asked_about_the_same_places(trained, corpus_folder):
    export(*trained("gpt2"), corpus_folder)
    run, folder = trained("bert")
    gpt2 = folder.with_name("model-gpt2")
    figures = export(run, folder, corpus_folder, gpt2).record()
    assert figures["twin_accuracy"] is not None
    assert "the GPT-2 twin" in (folder / "README.md").read_text()
    with pytest.raises(RecipeError, match="a bert with the same vocabulary"):
        evaluate(folder, corpus_folder, folder)


class Oracle:
    """Answers with the token that stands `shift` places further on in what it is shown."""

    def __init__(self, shift):
        self._shift = shift

    def __call__(self, tokens):
        logits = torch.nn.functional.one_hot(tokens.roll(-self._shift, 1), 4096).float() * 50

        class Answer:
            pass

        answer = Answer()
        answer.logits = logits
        return answer


def test_the_twin_is_read_one_place_before_the_masked_one(trained, corpus_folder):
    run, folder = trained("bert")
    export(run, folder, corpus_folder)
    subject = Subject.load(folder)
    texts = Texts(corpus_folder, subject.tokenizer)
    copies_itself = dataclasses.replace(subject, model=Oracle(0))
    knows_the_next = dataclasses.replace(subject, model=Oracle(1))
    figures = unmask(copies_itself, texts, knows_the_next)
    # What it is shown at a masked place is [MASK], and that is never the answer.
    assert figures.accuracy == 0
    assert figures.twin_accuracy == 1.0


def test_a_folder_without_a_model_is_named(tmp_path, corpus_folder):
    with pytest.raises(CheckpointError, match="no model in the folder"):
        evaluate(tmp_path, corpus_folder)
