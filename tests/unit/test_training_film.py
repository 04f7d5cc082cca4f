import json

import pytest

from kvviz.lessons import lessons
from kvviz.lessons.lesson_files import LessonError
from kvviz.lessons.training_film import first_common_leader, first_lead, read_film
from kvviz.ui.work.model_names import WEIGHTS


def line(step, leaders, nats=2.0, prompts=("a", "b")):
    predictions = [
        {"prompt": prompt, "top": [{"token": leader, "p": 0.5}, {"token": "z", "p": 0.1}]}
        for prompt, leader in zip(prompts, leaders, strict=True)
    ]
    return {
        "step": step,
        "tokens": 10 * step,
        "progress": step / 10,
        "heldout_nats_per_token": nats,
        "predictions": predictions,
    }


def write(path, lines):
    path.write_text("\n".join(json.dumps(one) for one in lines), encoding="utf-8")
    return path


def test_the_film_that_ships_can_be_read_and_ends_better_than_it_began():
    film = read_film(WEIGHTS / "gpt2-mini" / "film.jsonl")
    assert len(film) > 1
    assert (film[0].n_tokens, film[-1].progress) == (0, 1.0)
    assert film[-1].heldout_bits < film[0].heldout_bits
    assert film[0].heldout_bits == pytest.approx(film[0].heldout_nats * 1.4426950408889634)


def test_the_sentences_of_the_film_are_those_it_was_recorded_with():
    from training.film import GAPS

    told = [(gap.before, f" {gap.word}", gap.after) for gap in lessons().gaps]
    assert told == [(gap.before, gap.word, gap.after.strip() if gap.after[0] == " " else gap.after)
                    for gap in GAPS]  # fmt: skip


def test_what_leads_first_is_found(tmp_path):
    leaders = ["xyz", "xyx", "xwz", "vwz"]
    lines = [line(step, three, prompts="abc") for step, three in enumerate(leaders)]
    film = read_film(write(tmp_path / "film.jsonl", lines))
    assert first_lead(film, 1, "w") == film[2]
    assert first_lead(film, 0, "w") is None
    assert first_common_leader(film) == film[1]
    assert first_common_leader(film[2:]) is None


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [line(1, "xy"), line(1, "xy")],
        [line(0, "xy"), line(1, "xy", prompts=("a", "c"))],
        [line(0, "xy", nats=float("nan"))],
        [{"step": 0}],
        [line(0, "xy") | {"predictions": []}],
    ],
)
def test_what_is_no_film_is_refused(tmp_path, lines):
    with pytest.raises(LessonError, match="training film"):
        read_film(write(tmp_path / "film.jsonl", lines))


def test_a_missing_or_broken_file_is_refused_by_name(tmp_path):
    (tmp_path / "film.jsonl").write_text("{")
    for name in ("film.jsonl", "none.jsonl"):
        with pytest.raises(LessonError, match=name):
            read_film(tmp_path / name)
