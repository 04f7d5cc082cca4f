import json
import struct
from dataclasses import replace
from pathlib import Path

import pytest

import kvviz
from kvviz.analysis.parameters import count_parameters, parameters_of_gpt2_tensors
from kvviz.lessons.lesson_files import LessonError
from kvviz.lessons.model_table import (
    HERE,
    STATUSES,
    VALUES,
    Amount,
    accelerator_table,
    amount,
    model_table,
    read_models,
)
from tests.check_models import complaints, main

ROWS = {row.id: row for row in model_table()}
FAMILIES = (
    "gpt-1", "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "bert-base", "bert-large", "t5-small",
    "t5-base", "t5-large", "gpt-3", "palm", "opt-175b", "bloom", "llama-7b", "llama-2-7b",
    "llama-3-8b", "llama-3.1-405b", "llama-4-scout", "mistral-7b", "mixtral-8x7b", "qwen3-8b",
    "gemma-3-27b", "phi-4", "deepseek-v2", "deepseek-v3", "kimi-k2", "gpt-oss-120b", "gpt2-mini",
)  # fmt: skip
HYBRIDS = (
    "mamba-2.8b", "mamba2-2.7b", "jamba-v0.1", "recurrentgemma-2b", "bamba-9b", "minimax-text-01",
    "nemotron-h-56b", "qwen3-next-80b-a3b", "kimi-linear-48b-a3b", "nemotron-3-super",
    "qwen3.5-397b-a17b", "ling-3.0-flash",
)  # fmt: skip


def test_the_table_is_long_and_has_every_family():
    assert len(ROWS) >= 120
    assert set(FAMILIES) <= set(ROWS)
    assert all(ROWS[name].shape.state for name in HYBRIDS)


def test_what_the_rows_say_agrees_with_what_their_shapes_give():
    assert complaints(model_table()) == []


def test_every_value_has_a_source_with_an_address():
    for row in ROWS.values():
        for value in VALUES:
            said = value in ("size", "date") or (value == "shape" and row.shape is not None)
            said |= value == "tokens" and row.training_tokens != "not looked up"
            said |= value == "licence" and row.licence_kind != "not looked up"
            assert bool(row.source_of(value)) == said
            assert all(where in row.source for where in row.source_of(value).split("; "))


def test_the_status_is_the_most_that_is_public():
    assert {row.status for row in ROWS.values()} == set(STATUSES)
    assert [ROWS[name].status for name in ("gpt2", "chinchilla", "gpt-4")] == [
        "open weights", "shape disclosed", "not disclosed",
    ]  # fmt: skip
    # Where nobody looked up the licence, nothing shows that the weights are given.
    assert ROWS["kimi-k3"].status == "size disclosed"
    assert replace(ROWS["chinchilla"], shape=None).status == "size disclosed"


WRONG = {
    "gives 6,738,415,616 parameters and its maker writes 8B": ("llama-2-7b", {"published": "8B"}),
    "off_because has no reason": ("llama-2-7b", {"off_because": "So it is."}),
    "no note says why": ("gpt-4", {"note": ""}),
    "it has a shape, but no size": ("llama-2-7b", {"published": "undisclosed"}),
    "are not explained in other": ("t5-small", {"other": ""}),
    "no other model, says what is active": ("llama-2-7b", {"active": "6.7B"}),
    "its maker writes 4B": ("mixtral-8x7b", {"active": "4B"}),
    "dated 2025-06, but its paper is of 2023-02": ("llama-7b", {"month": "2025-06"}),
    "dated 2021-12, but its paper is of 2023-02": ("llama-7b", {"month": "2021-12"}),
}


@pytest.mark.parametrize(("words", "change"), WRONG.items())
def test_a_row_that_contradicts_itself_is_complained_of(words, change):
    name, fields = change
    (complaint,) = complaints([replace(ROWS[name], **fields)])
    assert words in complaint
    assert f"Model {name!r}" in complaint


def test_two_models_of_one_name_are_complained_of():
    assert complaints([ROWS["gpt2"], replace(ROWS["gpt2"], id="other")]) == [
        "Two models are called 'GPT-2 small'."
    ]


def test_the_script_says_what_is_wrong_and_fails(tmp_path, capsys):
    assert main([]) == 0
    assert f"{len(ROWS)} models" in capsys.readouterr().out
    text = (HERE / "models.toml").read_text(encoding="utf-8")
    path = tmp_path / "models.toml"
    for old, new, words in (
        ('published = "124M"', 'published = "224M"', "its maker writes 224M"),
        ("arXiv 1810.04805; github.com/google-research/bert, README", "book", "without an address"),
        ("[[model]]", "[[model", "models.toml"),
    ):  # fmt: skip
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        assert main([str(path)]) == 1
        said = capsys.readouterr().out
        assert words in said
        assert "Traceback" not in said


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
    assert replace(ROWS["gpt-1"], month="2018").years == 2018.5
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
    "training_tokens": "1T", "licence": "MIT", "licence_kind": "permissive",
    "sources": {"size, date": "example.org", "tokens, licence": "arXiv 2401.00001"},
}  # fmt: skip


def written_as(key, value):
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f'"{name}" = {json.dumps(one)}' for name, one in value.items()) + " }"
        )
    return value if key == "shape" else json.dumps(value)


def written(tmp_path, rows):
    lines = []
    for row in rows:
        lines.append("[[model]]")
        lines += [f"{key} = {written_as(key, text)}" for key, text in row.items()]
    path = tmp_path / "models.toml"
    path.write_text("\n".join(lines))
    return path


def test_a_whole_row_is_read(tmp_path):
    (row,) = read_models(written(tmp_path, [ROW]))
    assert (row.name, row.shape, row.note) == ("X", None, "")
    assert row.source_of("licence") == "arXiv 2401.00001"
    assert row.source == "size, date: example.org; tokens, licence: arXiv 2401.00001"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{k: v for k, v in ROW.items() if k != "sources"}], "Missing: ['sources']"),
        ([ROW | {"sources": " "}], "empty: ['sources']"),
        ([ROW | {"sources": {"size, date, licence": "example.org"}}], "Missing: tokens"),
        ([ROW | {"sources": ROW["sources"] | {"shape": "example.org"}}], "shape 'example.org'"),
        ([ROW | {"sources": ROW["sources"] | {"colour": "example.org"}}], "colour 'example.org'"),
        ([ROW | {"sources": ROW["sources"] | {"size": "a friend"}}], "size 'a friend'"),
        ([ROW | {"sources": ROW["sources"] | {"size": 3}}], "size 3"),
        ([ROW | {"month": "2017-05"}], "month '2017-05'"),
        ([ROW | {"month": "2031-01"}], "month '2031-01'"),
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
        ([ROW | {"shape": '{ state = "large" }'}], "wrong word"),
        ([ROW | {"shape": "{ state = { layers = 3 } }"}], "wrong word"),
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
