import csv
import io

import pytest

from kvviz.analysis.cache_size import architecture_cache_bytes
from kvviz.lessons.model_table import accelerator_table, model_table
from kvviz.translation import gettext, using
from kvviz.ui.pages.model_sizes.choice import Choice, choice_fields
from kvviz.ui.pages.model_sizes.pictures import bundled_count, counted_parts
from kvviz.ui.pages.model_sizes.prediction import answers
from kvviz.ui.pages.model_sizes.result_cards import bill, every_accelerator
from kvviz.ui.pages.model_sizes.whole_table import as_csv, line_of
from kvviz.ui.parts.quantity import in_bytes, in_tokens, in_words
from tests.pages.conftest import Page, as_read


def opened(**parameters):
    return Page("model_sizes", parameters)


def address(page):
    texts = dict(page.app.query_params)
    return {name: text if isinstance(text, str) else text[0] for name, text in texts.items()}


def select(page, name, value):
    (box,) = (one for one in page.app.selectbox if (one.key or "").startswith(f"sizes:{name}:"))
    box.set_value(value).run()
    return page


def test_it_opens_with_a_question_and_answers_it_with_what_is_right():
    page = opened()
    assert page.errors == []
    assert "131,072 tokens" in page.html
    assert 'data-kvviz="verdict"' not in page.html
    buttons = [page.app.button(key=f"ask:cache-of-405b:{number}") for number in range(4)]
    labels = [as_read(button.label) for button in buttons]
    assert labels == ["516.1 kB", "8.46 GB", "67.6 GB", "1.08 TB"]
    page.press("ask:cache-of-405b:1")
    assert "You said 8.46 GB, which would be one KV head a layer in place of 8." in page.html
    assert "It takes 67.6 GB, with 8 KV heads a layer, shared by 128 query heads." in page.html
    page.press("sizes:show")
    assert page.errors == []
    assert 'data-cache-bytes="67645734912"' in page.html
    assert 'data-weights-bytes="811706777600"' in page.html
    assert address(page) == {"row": "llama-3.1-405b", "tokens": "131072"}
    assert {"cache-growth", "model-ladder", "parameter-parts"} == set(page.charts)


def test_a_right_answer_is_called_right_and_nobody_has_to_answer():
    assert "Right. It takes 67.6 GB" in opened().press("ask:cache-of-405b:2").html
    assert "It takes 67.6 GB" in opened().press("ask:cache-of-405b:show").html


def test_the_right_answer_is_the_formula_that_the_cards_use():
    what, right = answers()
    shape = Choice(row="llama-3.1-405b").model.shape
    assert right == architecture_cache_bytes(shape, 131_072)
    assert len(what) == 4


def test_a_link_leads_to_a_choice_and_a_change_to_its_link():
    page = opened(row="deepseek-v3", tokens="131072", users="7", kv="8bit", weights="4bit",
                  on="h200")  # fmt: skip
    assert page.errors == []
    assert page.notes == []
    assert f'data-cache-bytes="{7 * 61 * 576 * 131_072}"' in page.html
    assert "512 latent + 64 rotary numbers" in page.html
    select(page, "kv", "bf16")
    assert "kv" not in address(page)
    assert address(page)["users"] == "7"
    assert f'data-cache-bytes="{2 * 7 * 61 * 576 * 131_072}"' in page.html


def test_a_default_choice_has_no_parameters_and_every_other_comes_back():
    assert choice_fields().write(Choice()) == {}
    choice = Choice("gpt2", 1_024, 3, "fp32", "4bit", "mi300x")
    assert choice_fields().parse(choice_fields().write(choice)) == (choice, ())


@pytest.mark.parametrize(
    "parameters",
    [{"row": "gpt-9"}, {"tokens": "1000"}, {"tokens": "x"}, {"users": "0"}, {"users": "1e9"},
     {"weights": "bfloat16"}, {"kv": "2"}, {"on": "<b>"}, {"find": "x" * 61}],
)  # fmt: skip
def test_what_a_link_says_wrongly_has_its_default_and_one_line(parameters):
    choice, unusable = choice_fields().parse(parameters)
    assert choice == Choice()
    assert len(unusable) == 1
    page = opened(**parameters)
    assert page.errors == []
    (note,) = page.notes
    assert note.startswith("Part of this link could not be used")
    assert "data-cache-bytes" in page.html


def test_a_context_beyond_the_models_own_is_cut_and_said_so():
    page = opened(row="gpt2", tokens="8192")
    assert 'data-tokens="1024"' in page.html
    assert "GPT-2 small was made for 1,024 at most" in page.html


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("bert-base", "No cache"),
        ("kimi-k3", "Cache not counted"),
        ("t5-base", "rows of an input as long"),
        ("gpt-oss-120b", "rows of the last 128 positions"),
        ("palm", "1 KV head ×"),
        ("gpt2-mini", "6.05 million parameters"),
    ],
)
def test_each_kind_of_model_has_its_cards(row, words):
    page = opened(row=row)
    assert page.errors == []
    assert words in page.html


def test_a_size_that_is_not_disclosed_is_not_guessed():
    page = opened(row="gpt-4")
    assert page.errors == []
    assert page.notes == ["OpenAI has not disclosed how large GPT-4 is, so there is nothing to "
                          "count. Choose another model."]  # fmt: skip
    assert "data-cache-bytes" not in page.html


@pytest.mark.parametrize("row", [row.id for row in model_table()])
def test_every_model_can_be_served_to_a_million_users(row):
    choice = Choice(row, tokens=2**20, users=10**6, weights="4bit", kv="fp32", on="tpu-v5e")
    found = bill(choice)
    assert (found is None) == (Choice(row).model.status == "not disclosed")
    if found is not None:
        assert found.cache == 10**6 * found.cache_of_one
        assert every_accelerator(choice, found).count("<tr") == len(accelerator_table()) + 1
    assert all(count.total > 0 for count in counted_parts(choice).values())


def test_where_parameters_live_is_counted_from_a_config_and_from_real_weights():
    counts = counted_parts(Choice())
    assert list(counts) == ["GPT-2 small", "GPT-2 mini", "Llama 3.1 8B"]
    assert counts["GPT-2 mini"] is bundled_count()
    assert counts["GPT-2 mini"].total == 6_049_792
    assert counts["GPT-2 small"].total == 124_439_808
    assert list(counted_parts(Choice(row="gpt2"))) == ["GPT-2 small", "GPT-2 mini"]


def test_the_state_of_a_hybrid_is_told_apart_from_what_grows():
    page = opened(row="qwen3.5-397b-a17b", tokens="131072", kv="8bit")
    assert page.errors == []
    state = 45 * (64 * 128 * 128 * 4 + 12_288 * 4)
    rows = 2 * 15 * 2 * 256 * 131_072
    assert f'data-cache-bytes="{rows + state}"' in page.html
    assert f'data-state-bytes="{state}"' in page.html
    assert "191.0 MB of it is a state that does not grow with the text." in page.html
    assert "Gated DeltaNet, a state of constant size: 45 layers × 64 × 128 × 128" in page.html
    assert "× 1 B (8 bits) + 47,185,920 × 4 B (float32) = " in page.html


def test_a_model_that_keeps_a_state_alone_says_so():
    page = opened(row="mamba-2.8b", tokens="1024", users="3")
    assert page.errors == []
    assert "70.8 MB of state" in page.html
    assert "It is a state, which stays as large however long the text." in page.html


def shown(page):
    return [list(table.value["model"]) for table in page.app.dataframe]


def test_the_whole_table_can_be_narrowed_and_the_link_says_by_what():
    page = opened()
    (box,) = (one for one in page.app.text_input if (one.key or "").startswith("sizes:find:"))
    box.set_value("kda Moonshot").run()
    assert page.errors == []
    assert shown(page) == [["Kimi K3", "Kimi Linear 48B-A3B"]]
    assert address(page) == {"find": "kda Moonshot"}
    assert shown(opened(find="chinchilla")) == [["Chinchilla 70B"]]
    page = opened(find="no such model")
    assert (page.errors, shown(page)) == ([], [])
    assert "No model of the table says 'no such model'. Take fewer words." in page.notes


def test_the_table_can_be_taken_away_whole():
    page = opened()
    (shown,) = page.app.dataframe
    lines = list(csv.DictReader(io.StringIO(as_csv())))
    assert len(lines) == len(shown.value) == len(model_table())
    assert all(line["source"] for line in lines)
    by_name = {line["model"]: line for line in lines}
    assert by_name["Llama 3.1 405B"]["cache of the first token, B in bfloat16"] == "516096"
    jamba = by_name["Jamba v0.1"]
    assert jamba["cache of the first token, B in bfloat16"] == str(2 * 4 * 8 * 128 * 2)
    assert jamba["state beside it, B"] == str(28 * 8_192 * (16 * 4 + 4 * 2))
    assert (jamba["layers with a state"], jamba["kind of state"]) == ("28", "Mamba")
    assert by_name["Mamba 2.8B"]["cache of the first token, B in bfloat16"] == "0"
    assert by_name["GPT-4"]["status"] == "not disclosed"
    assert by_name["GPT-4"]["parameters, billion"] == ""
    assert "parameters undisclosed" in by_name["GPT-4"]["missing"]
    assert by_name["MiniMax-M2"]["missing"] == "training tokens not looked up"


def test_the_file_is_in_english_whatever_the_page_speaks():
    english, (row,) = as_csv(), (row for row in model_table() if row.id == "gpt-4")
    with using("en-XA"):
        assert as_csv() == english
        cells = line_of(row, gettext)
    assert list(cells) == list(line_of(row))
    for name in ("licence kind", "missing"):
        assert cells[name].startswith("⟦")


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.00 kB"), (999_499, "999.5 kB"), (999_600, "1.00 MB"),
     (67_645_734_912, "67.6 GB"), (10**19, "10,000.0 PB")],
)  # fmt: skip
def test_bytes_in_words(number, words):
    assert in_bytes(number) == words


def test_counts_in_words():
    assert in_words(405_853_388_800) == "405.9 billion"
    assert in_words(12) == "12"
    assert [in_tokens(n) for n in (0, 1, 1_024)] == ["0 tokens", "1 token", "1,024 tokens"]
