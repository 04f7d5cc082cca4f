import json

import pytest

import kvviz
from kvviz.__main__ import main


def test_trace_prints_a_step_a_line_and_saves_what_it_printed(tmp_path, capsys):
    saved, page = tmp_path / "run.npz", tmp_path / "run.html"
    code = main(["trace", "--prompt", "Once upon a time", "--new", "3", "--json",
                 "--save", str(saved), "--html", str(page)])  # fmt: skip
    steps = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    trace = kvviz.open_trace(saved)
    assert code == 0
    assert [step["n_computed"] for step in steps] == [trace.n_prompt, 1, 1]
    assert [step["chosen_id"] for step in steps] == [step.chosen_id for step in trace.steps]
    assert page.stat().st_size > 10_000


def test_without_cache_every_row_is_computed_at_every_step(capsys):
    assert main(["trace", "--prompt", "Once upon a time", "--new", "3", "--no-cache"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split()[:5] == ["step", "kind", "fed", "computed", "reused"]
    fed = [int(row.split()[2]) for row in rows]
    assert fed == [fed[0], fed[0] + 1, fed[0] + 2]
    assert all(row.split()[4] == "0" for row in rows)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trace", "--prompt", "  "], "prompt"),
        (["trace", "--prompt", "hi", "--new", "0"], "0"),
        (["trace", "--prompt", "hi", "--new", "99999"], "1,024"),
        (["trace", "--prompt", "hi", "--model", "kvviz/no-such-model"], "no-such-model"),
        (["trace", "--prompt", "hi", "--device", "abacus"], "abacus"),
        (["trace", "--prompt", "hi", "--dtype", "int3"], "int3"),
        (["trace", "--prompt", "hi", "--new", "1", "--save", "/nowhere/run.npz"], "/nowhere"),
        (["trace", "--prompt", "hi", "--animate", "run.webp"], "Try run.gif."),
        (["trace", "--prompt", "hi", "--svg", "run"], "Try run.svg."),
        (["trace", "--prompt", "hi", "--svg", "run.svg", "--steps", "3"], "Found '3'. Try"),
        (["trace", "--prompt", "hi", "--animate", "run.gif", "--steps", "a:3"], "Found 'a:3'."),
        (["trace", "--prompt", "hi", "--model", "kvviz/smollm2-135m"], "models add smollm2-135m"),
        (["trace", "--chat", "/nowhere/chat.json"], "/nowhere/chat.json cannot be read. No such"),
        (["trace", "--chat", __file__], "no conversation in JSON"),
        (["models", "add", "gpt-5"], "smollm2-135m, gemma-3-270m"),
        (["models", "add", "gemma-3-270m"], "Gemma Terms of Use"),
        (["models", "remove", "smollm2-135m"], "was not added"),
        (["app", "--port", "-4"], "-4"),
        (["bench", "--new", "0"], "new tokens"),
        (["bench", "--prompt-tokens", "1000", "--new", "25"], "1,024"),
        (["bench", "--repeats", "-1"], "repeats"),
        (["bench", "--batch", "100000000"], "GB are free"),
        (["bench", "--model", "kvviz/no-such-model"], "no-such-model"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, words, capsys):
    assert main(arguments) == 2
    message = capsys.readouterr().err
    assert message.startswith("kvviz: ")
    assert message.count("\n") == 1
    assert words in message


def test_without_a_browser_no_model_is_run_for_a_picture(monkeypatch, capsys):
    monkeypatch.setenv("KVVIZ_CHROMIUM", "/nowhere/chrome")
    assert main(["trace", "--prompt", "hi", "--animate", "run.gif"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "KVVIZ_CHROMIUM names /nowhere/chrome" in said.err
    assert said.err.count("\n") == 1


def test_models_lists_the_bundled_ones(capsys):
    assert main(["models"]) == 0
    assert "kvviz/gpt2-mini" in capsys.readouterr().out.splitlines()


def test_bench_prints_one_object_with_both_sides_step_by_step(capsys):
    arguments = ["--prompt-tokens", "5", "--new", "4", "--batch", "2", "--repeats", "2", "--json"]
    assert main(["bench", *arguments]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["n_prompt"], told["n_new"], told["batch"], told["n_repeats"]) == (5, 4, 2, 2)
    assert told["same_tokens"]
    totals = [sum(round) for round in told["cached_step_seconds"]]
    assert told["cached_seconds"]["median"] == pytest.approx(sum(totals) / 2)
    assert told["token_passes_ratio"] == (5 + 6 + 7 + 8) / 8
    assert len(told["cache_bytes"]) == len(told["uncached_step_seconds"][1]) == 4


def test_bench_prints_a_table(capsys):
    arguments = ["--prompt-tokens", "5", "--new", "2", "--repeats", "1", "--cache", "window:3+1"]
    assert main(["bench", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("with the cache")
    assert lines[3].startswith("without")
    assert "1.8x fewer token passes" in lines[4]
    assert lines[5] == "the cache keeps 4 rows, the first 1 of the text among them"
