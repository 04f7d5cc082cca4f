import json
import struct
from pathlib import Path

import pytest

import kvviz
from kvviz.analysis.parameters import count_parameters, parameters_of_gpt2_tensors
from kvviz.lessons.lesson_files import LessonError
from kvviz.lessons.model_table import (
    HERE,
    Amount,
    accelerator_table,
    amount,
    model_table,
    read_models,
)

ROWS = {row.id: row for row in model_table()}
FAMILIES = (
    "gpt-1", "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "bert-base", "bert-large", "t5-small",
    "t5-base", "t5-large", "gpt-3", "palm", "opt-175b", "bloom", "llama-7b", "llama-2-7b",
    "llama-3-8b", "llama-3.1-405b", "llama-4-scout", "mistral-7b", "mixtral-8x7b", "qwen3-8b",
    "gemma-3-27b", "phi-4", "deepseek-v2", "deepseek-v3", "kimi-k2", "gpt-oss-120b", "gpt2-mini",
)  # fmt: skip
MOST_OFF = 0.05


def test_the_table_is_long_and_has_every_family():
    assert len(ROWS) >= 30
    assert set(FAMILIES) <= set(ROWS)


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_every_row_says_where_its_figures_stand(row):
    assert len(row.source) > 20
    named = ("arxiv", ".com", ".io", ".org", ".ai", "kvviz/weights", "/")
    assert any(word in row.source.lower() for word in named)


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.shape], ids=lambda r: r.id)
def test_the_shape_gives_the_parameters_that_the_maker_writes(row):
    # A published total is rounded to its last digit; people cut as often as they round. A name
    # such as 7B says less than that, so no unit of more than a twentieth is let pass.
    published = amount(row.published)
    counted = count_parameters(row.shape).total
    off = abs(counted - published.number)
    agrees = off <= min(published.unit, MOST_OFF * published.number)
    assert agrees == (not row.off_because), f"{counted:,} against {row.published}"


@pytest.mark.parametrize("row", [r for r in ROWS.values() if r.shape], ids=lambda r: r.id)
def test_a_mixture_of_experts_says_what_is_active_and_its_shape_gives_it(row):
    count = count_parameters(row.shape)
    assert bool(row.shape.n_expert_layers) == bool(row.active)
    if row.active and not row.off_because:
        # Makers count the embedding matrices whole, in part, or not at all.
        published = amount(row.active)
        least = count.active - count.embeddings - published.unit
        assert least <= published.number <= count.active + published.unit


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.shape is None])
def test_a_row_without_a_shape_says_why(row):
    assert row.note


@pytest.mark.parametrize("row", [r for r in ROWS.values() if r.shape and r.shape.n_other])
def test_parameters_without_a_word_are_explained(row):
    assert row.other


def test_the_bundled_model_is_what_its_weights_file_holds():
    folder = Path(kvviz.__file__).parent / "weights" / "gpt2-mini"
    with (folder / "model.safetensors").open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    shapes = {name: one["shape"] for name, one in header.items() if name != "__metadata__"}
    assert count_parameters(ROWS["gpt2-mini"].shape) == parameters_of_gpt2_tensors(shapes)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    shape = ROWS["gpt2-mini"].shape
    assert (shape.n_layers, shape.n_heads, shape.d_model, shape.n_ctx, shape.d_vocab) == tuple(
        config[name] for name in ("n_layer", "n_head", "n_embd", "n_positions", "vocab_size")
    )


def test_rows_stand_in_the_order_of_their_months():
    years = [row.years for row in model_table()]
    assert years == sorted(years)
    assert ROWS["gpt-1"].years == 2018.5
    assert 2024.5 < ROWS["llama-3.1-405b"].years < 2024.6


def test_every_accelerator_has_memory_and_a_source():
    rows = accelerator_table()
    assert len(rows) >= 8
    assert all(row.memory_gb >= 16 and len(row.source) > 15 for row in rows)
    assert {row.id: row.memory_gb for row in rows}["h100"] == 80


def test_amounts_are_read_with_the_digit_they_were_rounded_to():
    assert amount("15.6T") == Amount("15.6T", 15_600_000_000_000, 100_000_000_000)
    assert amount("124M").unit == 10**6
    assert amount("180B").unit == 10**10
    assert amount("6.05M").number == 6_050_000
    for text in ("undisclosed", "15", "1.B", "15 B", "-1B", ""):
        assert amount(text) is None


ROW = {
    "id": "x", "name": "X", "maker": "Y", "month": "2024-01", "published": "1B",
    "training_tokens": "1T", "licence": "MIT", "licence_kind": "permissive", "source": "somewhere",
}  # fmt: skip


def written(tmp_path, rows):
    lines = []
    for row in rows:
        lines.append("[[model]]")
        lines += [f"{key} = {text if key == 'shape' else json.dumps(text)}"
                  for key, text in row.items()]  # fmt: skip
    path = tmp_path / "models.toml"
    path.write_text("\n".join(lines))
    return path


def test_a_whole_row_is_read(tmp_path):
    (row,) = read_models(written(tmp_path, [ROW]))
    assert (row.name, row.shape, row.note) == ("X", None, "")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{k: v for k, v in ROW.items() if k != "source"}], "Missing: ['source']"),
        ([ROW | {"source": " "}], "empty: ['source']"),
        ([ROW | {"colour": "red"}], "['colour']"),
        ([ROW | {"name": 3}], "['name']"),
        ([ROW, ROW], "id 'x'"),
        ([ROW | {"month": "2024-13"}], "month '2024-13'"),
        ([ROW | {"published": "many"}], "published 'many'"),
        ([ROW | {"training_tokens": "?"}], "training_tokens '?'"),
        ([ROW | {"active": "few"}], "active 'few'"),
        ([ROW | {"licence_kind": "free"}], "licence_kind 'free'"),
        ([ROW | {"shape": "{ layers = 3 }"}], "wrong word"),
        ([ROW | {"shape": '"large"'}], "['shape']"),
    ],
)
def test_a_gap_in_a_row_is_found_by_name(tmp_path, rows, words):
    with pytest.raises(LessonError) as caught:
        read_models(written(tmp_path, rows))
    assert words in str(caught.value)


def test_an_impossible_shape_is_found_by_the_row(tmp_path):
    text = (HERE / "models.toml").read_text(encoding="utf-8")
    path = tmp_path / "models.toml"
    path.write_text(text.replace("n_kv_heads = 12", "n_kv_heads = 5", 1))
    with pytest.raises(LessonError, match="gpt-1") as caught:
        read_models(path)
    assert "5 KV heads" in str(caught.value)


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "models.toml"
    for text in ("not toml", "[other]\n"):
        path.write_text(text)
        with pytest.raises(LessonError, match=r"models\.toml"):
            read_models(path)
