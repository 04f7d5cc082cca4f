import dataclasses
import functools
from pathlib import Path

import pytest
import torch

import kvviz
from kvviz.lessons.model_table import model_table
from tests.unit.training.conftest import TOKENS_A_STEP, corpus_in, make_small
from training.budget import token_budget
from training.errors import CheckpointError, RecipeError
from training.evaluation import evaluate
from training.evaluation.blanks import fill_blanks
from training.evaluation.masked_token import unmask
from training.evaluation.subject import Subject, Texts
from training.export import export
from training.loop import Run, RunOptions
from training.packing import load_packed


@dataclasses.dataclass(frozen=True)
class Exported:
    """Where a run lies, the folder of the model that it became, and the figures in its card."""

    run: Path
    folder: Path
    figures: dict


@pytest.fixture(scope="module")
def corpus_folder(small_corpus, tmp_path_factory):
    """A small corpus of which few stories are held out: every figure is of all of them."""
    few = {**small_corpus, "heldout.txt.xz": small_corpus["heldout.txt.xz"][:4]}
    return corpus_in(tmp_path_factory.mktemp("corpus") / "corpus", few)


@pytest.fixture(scope="module")
def exported(tiny_recipe, corpus_folder, tmp_path_factory):
    """Trains a family for two steps and exports it, once for all tests that only look at it."""
    out = tmp_path_factory.mktemp("exported")
    corpus = load_packed(corpus_folder, out / "work", 0)

    @functools.cache
    def of(family):
        shape = dataclasses.replace(tiny_recipe.shape, family=family)
        recipe = dataclasses.replace(tiny_recipe, name=f"{family}-mini", shape=shape)
        run, folder = out / f"run-{family}", out / f"model-{family}"
        options = RunOptions(run, torch.device("cpu"), compile=False, resume=False)
        Run(recipe, corpus, corpus_folder, 0, options).train(token_budget(2 * TOKENS_A_STEP))
        return Exported(run, folder, export(run, folder, corpus_folder).record())

    with pytest.MonkeyPatch.context() as patch:
        make_small(patch)
        patch.setattr("training.evaluation.next_token.SAMPLE_TOKENS", 3)
        patch.setattr("training.evaluation.heads.N_REPEATED", 16)
        few = functools.partial(fill_blanks, n_blanks=20)
        patch.setattr("training.evaluation.fill_blanks", few)
        yield of


@pytest.mark.parametrize("family", ["gpt2", "llama", "bert", "t5"])
def test_a_run_becomes_a_folder_with_a_card(exported, family):
    run, folder = exported(family).run, exported(family).folder
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


def test_figures_of_gpt2_stand_in_its_card(exported):
    figures = exported("gpt2").figures
    card = (exported("gpt2").folder / "README.md").read_text()
    assert f"| 5-gram, interpolated modified Kneser-Ney | {figures['five_gram']:.3f} |" in card
    assert f"**{figures['bits_per_character']:.3f}**" in card
    assert figures["five_gram"] < figures["unigram"] < figures["bits_per_character"]


def test_gpt2_s_loss_stands_beside_the_llama_s(exported, corpus_folder, tmp_path):
    folder = tmp_path / "model-llama"
    gpt2 = exported("gpt2")
    figures = export(exported("llama").run, folder, corpus_folder, gpt2.folder).record()
    card = (folder / "README.md").read_text()
    assert figures["twin"]["whole"] == pytest.approx(gpt2.figures["bits_per_character"])
    assert figures["twin"]["sliding"] == pytest.approx(gpt2.figures["bits_per_character_sliding"])
    assert f"| kvviz/model-gpt2, windows of 256 | {figures['twin']['short']:.3f} |" in card
    assert "rotary positions up to" in card
    assert "shown the start token" in " ".join(card.split())


def test_a_twin_is_asked_about_the_same_places(exported, corpus_folder, tmp_path):
    folder = tmp_path / "model-bert"
    gpt2 = exported("gpt2").folder
    figures = export(exported("bert").run, folder, corpus_folder, gpt2).record()
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


def test_the_twin_is_read_one_place_before_the_masked_one(exported, corpus_folder):
    subject = Subject.load(exported("bert").folder)
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
