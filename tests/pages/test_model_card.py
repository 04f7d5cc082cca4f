from kvviz.ui.parts import model_card
from kvviz.ui.work.model_names import WEIGHTS, bundled_models


def test_every_bundled_model_has_a_card_that_tells_its_data_and_its_limits():
    for name in bundled_models():
        card = model_card.card_of(name)
        assert card is not None
        for words in ("## Data", "licence", "## Held-out figures", "What it is not for", "dated"):
            assert words in card


def test_other_names_have_none():
    for name in ("gpt2", "", "kvviz/", "kvviz/..", "kvviz/../weights/gpt2-mini", str(WEIGHTS)):
        assert model_card.card_of(name) is None


def test_a_dollar_sign_begins_no_formula(monkeypatch, tmp_path):
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "README.md").write_text("# kvviz/toy\n\nFrom $1 to $2.\n", encoding="utf-8")
    monkeypatch.setattr(model_card, "WEIGHTS", tmp_path)
    assert model_card.card_of("kvviz/toy") == r"From \$1 to \$2."


def test_the_card_opens_beside_the_control_and_stays_open_over_a_rerun(kv_cache):
    page = kv_cache(new="2")
    page.press("kv:card")
    for _ in range(2):
        text = "\n".join(element.value for element in page.app.markdown)
        assert "Loss by place in a window" in text
        page.app.run()
    assert page.errors == []
    assert page.player["n_steps"] == 2
