import pytest

from training.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "gpt3", "--corpus", "x"], "no recipe for 'gpt3'"),
        (["train", "gpt2-mini", "--corpus", "nowhere"], "corpus folder is not there"),
        (["train", "gpt2-mini", "--corpus", "x", "--until", "noon"], "not a time of day"),
        (["evaluate", "nowhere", "--corpus", "x"], "no model in the folder"),
        (["export", "nowhere", "--to", "x", "--corpus", "x"], "no checkpoint"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
