import json
from dataclasses import replace

import numpy as np
import pytest

from kvviz.analysis import HeadRole
from kvviz.errors import PayloadError
from kvviz.player import fingerprint, pack, payload
from kvviz.player.kept_numbers import kept_numbers
from kvviz.trace import CacheComparison, GenerationOptions
from kvviz.trace.named_cache import NamedCache
from tests.factories import make_card, make_comparison, make_dropping, make_trace
from tests.payload_reader import CONTRACT, FRAME, square, unpack

TRACE = make_trace(n_prompt=9, n_new=4, n_layers=3, n_heads=4, d_head=6, n_kv_heads=2)
UNCACHED = make_trace(use_cache=False)
COMPARISON = make_comparison(n_layers=3)
SUBJECTS = {"cached": TRACE, "uncached": UNCACHED, "both": COMPARISON}


def shape_in_words(words: str) -> tuple[str, str]:
    """Return dtype and shape from a line of the contract such as ``i32 (n_steps, k)``."""
    dtype, rest = words.split(" (", 1)
    depth, end = 1, 0
    while depth:
        depth += {"(": 1, ")": -1}.get(rest[end], 0)
        end += 1
    return dtype, rest[: end - 1]


def promised(words: str, **sizes: int) -> tuple[str, list[int]]:
    dtype, shape = shape_in_words(words)
    numbers = eval(f"({shape},)".replace(" / ", " // "), {}, sizes)
    return dtype, list(numbers)


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS)
def test_names_are_exactly_those_of_the_contract(subject):
    roles = [HeadRole(0, 1, "previous-token", 0.75)]
    header, _ = unpack(pack(subject, roles=roles))
    # One of these runs has grouped heads.
    more = ["savings"] if subject is TRACE else []
    assert list(header) == [*CONTRACT["header"][:-1], *more, "arrays"]
    assert set(header["model"]) == set(CONTRACT["model"])
    assert header["magic"] == CONTRACT["magic"]
    assert header["format"] == CONTRACT["format"]
    for token in header["tokens"]:
        assert list(token) == CONTRACT["token"]
    for run in header["runs"]:
        assert list(run) == CONTRACT["run"]
        for name, value in run.items():
            assert not isinstance(value, list) or len(value) == header["n_steps"], name
    assert list(header["counted"]) == CONTRACT["counted"]
    for side in header["counted"].values():
        assert list(side) == CONTRACT["counted_run"]
        assert {len(part) for part in side.values()} == {header["n_steps"]}
    if header["comparison"] is not None:
        assert list(header["comparison"]) == CONTRACT["comparison"]
    assert list(header["view"]) == CONTRACT["view"]
    assert header["view"]["cache"] in CONTRACT["cache"]
    assert [list(role) for role in header["roles"]] == [CONTRACT["role"]]
    assert header["roles"][0]["role"] in CONTRACT["roles"]


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS)
@pytest.mark.parametrize("layers", [None, [1]])
def test_arrays_are_exactly_those_of_the_contract(subject, layers):
    header, _ = unpack(pack(subject, layers=layers))
    card = header["model"]
    sizes = {
        "k": 5,
        "cells": min(CONTRACT["thumbnail_cells"], header["n_rows"]),
        **{name: header[name] for name in ("n_steps", "n_rows")},
        **{name: card[name] for name in ("n_layers", "n_heads", "n_kv_heads", "d_head")},
    }
    expected = {}
    for run in header["runs"]:
        # With the cache every step but the first both computes and reads.
        n_steps = header["n_steps"]
        sizes["n_spans"] = 2 * n_steps - 1 if run["cache"] == "on" else n_steps
        for name, words in CONTRACT["arrays_of_a_run"].items():
            expected[f"{run['cache']}.{name}"] = promised(words, **sizes)
        for layer in header["layers"]:
            for name, words in CONTRACT["arrays_of_a_layer"].items():
                expected[f"{run['cache']}.{name}.{layer}"] = promised(words, **sizes)
    if len(header["layers"]) < card["n_layers"]:
        expected["thumbnails"] = promised(CONTRACT["thumbnails"], **sizes)
    found = {entry["name"]: (entry["dtype"], entry["shape"]) for entry in header["arrays"]}
    assert found == expected
    assert {dtype for dtype, _ in found.values()} <= set(FRAME["dtypes"])


def test_the_header_says_what_the_trace_says():
    header, arrays = unpack(pack(TRACE))
    card = TRACE.model
    assert header["model"] == card.to_json() | {"cache_bytes_per_token": card.cache_bytes_per_token}
    assert header["prompt"] == TRACE.prompt
    assert (header["n_prompt"], header["n_rows"], header["n_steps"]) == (9, 12, 4)
    assert [token["id"] for token in header["tokens"]] == TRACE.token_ids.tolist()
    assert [token["text"] for token in header["tokens"]] == TRACE.tokens
    (run,) = header["runs"]
    assert (run["cache"], run["stopped"], run["reuse_is_proven"]) == ("on", "length", True)
    assert run["n_fed"] == run["n_computed"] == [9, 1, 1, 1]
    assert run["n_reused"] == [0, 9, 10, 11]
    for name in ("seconds", "flops", "cache_bytes", "max_row_change"):
        assert run[name] == [getattr(step, name) for step in TRACE.steps]
    assert run["chosen_ids"] == [step.chosen_id for step in TRACE.steps]
    assert run["chosen_probs"] == [step.chosen_prob for step in TRACE.steps]
    for name in ("top_ids", "top_probs", "top_sampling_probs"):
        expected = np.stack([getattr(step, name) for step in TRACE.steps])
        np.testing.assert_array_equal(arrays[f"on.{name}"], expected)
    assert header["layers"] == [0, 1, 2]
    assert header["roles"] == []
    assert header["comparison"] is None


def test_every_id_that_a_step_names_has_a_text():
    header, arrays = unpack(pack(COMPARISON))
    named = {str(i) for side in ("on", "off") for i in arrays[f"{side}.top_ids"].ravel()}
    named |= {str(i) for run in header["runs"] for i in run["chosen_ids"]}
    assert named <= set(header["vocabulary"])
    assert all(header["vocabulary"][i] == f" w{i}" for i in named)


def test_a_comparison_holds_both_runs_and_how_they_agree():
    header, arrays = unpack(pack(COMPARISON))
    assert [run["cache"] for run in header["runs"]] == ["on", "off"]
    assert header["runs"][1]["n_computed"] == [4, 5, 6]
    assert header["comparison"] == {
        "same_tokens": True,
        "max_logit_difference": 2e-6,
        "logit_differences": COMPARISON.logit_differences.tolist(),
        "row_differences": COMPARISON.row_differences.tolist(),
        "dtype": "float32",
    }
    for side, run in (("on", COMPARISON.cached), ("off", COMPARISON.uncached)):
        scale = np.abs(run.keys(2)).max(axis=(1, 2))
        np.testing.assert_array_equal(arrays[f"{side}.key_scale.2"], scale)


def test_the_bill_of_both_sides_is_there_even_if_one_was_run():
    for subject in (TRACE, UNCACHED):
        header, _ = unpack(pack(subject))
        n_prompt, n_steps = header["n_prompt"], header["n_steps"]
        assert header["counted"]["on"]["rows"] == [n_prompt] + [1] * (n_steps - 1)
        assert header["counted"]["off"]["rows"] == list(range(n_prompt, n_prompt + n_steps))
        side = header["runs"][0]["cache"]
        assert header["counted"][side]["flops"] == header["runs"][0]["flops"]
        assert header["counted"][side]["cache_bytes"] == header["runs"][0]["cache_bytes"]


@pytest.mark.parametrize("layer", [0, 2])
def test_weights_are_off_by_half_a_level_at_most(layer):
    _, arrays = unpack(pack(TRACE))
    for head in range(4):
        seen = square(arrays[f"on.pattern.{layer}"][head], TRACE.n_rows) / 255
        exact = np.nan_to_num(TRACE.pattern(layer, head))
        # 1e-6 for the float32 rounding of weights up to 1.
        assert np.abs(seen - exact).max() <= 0.5 / 255 + 1e-6


def test_numbers_are_off_by_half_a_level_of_their_head_at_most():
    _, arrays = unpack(pack(TRACE))
    for name, exact in (("key", TRACE.keys(1)), ("value", TRACE.values(1))):
        scale = arrays[f"on.{name}_scale.1"]
        np.testing.assert_array_equal(scale, np.abs(exact).max(axis=(1, 2)))
        levels = arrays[f"on.{name}s.1"]
        assert levels.min() >= -127
        seen = levels * scale[:, None, None].astype(np.float64) / 127
        # A millionth of a level for the float32 rounding of the quotient.
        half = 0.5 * scale[:, None, None] / 127 * (1 + 1e-4)
        assert (np.abs(seen - exact) <= half).all()


@pytest.mark.parametrize("size", [0.0, 1e-45, 1e-38, 1e30])
def test_rows_of_any_size_are_packed(size):
    rows = np.full_like(TRACE.all_values, size)
    rows[..., ::2] *= -1
    _, arrays = unpack(pack(replace(TRACE, all_values=rows)))
    expected = 127 * np.sign(rows[0])
    np.testing.assert_array_equal(arrays["on.values.0"], expected)
    np.testing.assert_array_equal(arrays["on.value_scale.0"], np.abs(rows[0]).max(axis=(1, 2)))


def test_layers_are_left_out_where_all_are_too_many_bytes():
    of_a_layer = sum(
        array.nbytes for name, array in unpack(pack(TRACE))[1].items() if name.endswith(".0")
    )
    for limit, layers in ((3 * of_a_layer, [0, 1, 2]), (3 * of_a_layer - 1, [2])):
        header, arrays = unpack(pack(TRACE, layer=2, max_bytes_all_layers=limit))
        assert header["layers"] == layers
        assert ("thumbnails" in arrays) == (len(layers) < 3)


def test_the_limit_is_the_contract_s():
    short = make_trace(n_prompt=240, n_new=16, n_layers=6, n_heads=8, d_head=32)
    long = make_trace(n_prompt=1000, n_new=24, n_layers=6, n_heads=8, d_head=32)
    assert unpack(pack(short))[0]["layers"] == [0, 1, 2, 3, 4, 5]
    assert unpack(pack(long, layer=4))[0]["layers"] == [4]
    assert len(pack(short)) < CONTRACT["max_bytes_all_layers"]


def test_thumbnails_hold_the_largest_weight_of_each_block():
    trace = make_trace(n_prompt=100, n_new=12, n_layers=2, n_heads=2)
    header, arrays = unpack(pack(trace, layers=[1]))
    n_rows, n_cells = header["n_rows"], CONTRACT["thumbnail_cells"]
    edges = [cell * n_rows // n_cells for cell in range(n_cells + 1)]
    _, other = unpack(pack(trace, layers=[0, 1]))
    for layer in (0, 1):
        for head in (0, 1):
            whole = square(other[f"on.pattern.{layer}"][head], n_rows)
            expected = [
                [whole[edges[r] : edges[r + 1], edges[c] : edges[c + 1]].max() for c in range(48)]
                for r in range(48)
            ]
            np.testing.assert_array_equal(arrays["thumbnails"][layer, head], expected)


def test_thumbnails_of_a_short_run_have_a_cell_a_row():
    _, arrays = unpack(pack(TRACE, layers=[0]))
    _, other = unpack(pack(TRACE))
    for layer in range(3):
        for head in range(4):
            whole = square(other[f"on.pattern.{layer}"][head], TRACE.n_rows)
            np.testing.assert_array_equal(arrays["thumbnails"][layer, head], whole)


def test_the_same_run_has_the_same_name_whatever_is_in_view():
    names = {
        unpack(pack(TRACE, layer=layer, step=2, layers=layers))[0]["id"]
        for layer in (0, 2)
        for layers in (None, [1])
    }
    assert names == {fingerprint(TRACE)}


def test_times_do_not_change_the_name_of_a_run():
    steps = [replace(step, seconds=step.seconds + 1) for step in TRACE.steps]
    assert fingerprint(replace(TRACE, steps=steps)) == fingerprint(TRACE)


def test_whatever_was_computed_changes_the_name_of_a_run():
    moved = TRACE.final_fingerprints.copy()
    moved[1, 2, 3] += 1
    others = [
        TRACE,
        UNCACHED,
        COMPARISON,
        COMPARISON.cached,
        replace(TRACE, prompt="another"),
        replace(TRACE, options=GenerationOptions(4, seed=1)),
        replace(TRACE, model=replace(TRACE.model, dtype="float16")),
        replace(TRACE, final_fingerprints=moved),
        replace(TRACE, written_fingerprints=moved),
        make_trace(n_prompt=9, n_new=4, n_layers=3, n_heads=4, d_head=6, n_kv_heads=2, seed=1),
    ]
    assert len({fingerprint(other) for other in others}) == len(others)


def test_the_first_view_is_the_one_asked_for():
    header, _ = unpack(pack(TRACE))
    assert header["view"] == {"step": 0, "layer": 0, "head": 0, "cache": "on", "cell": None}
    header, _ = unpack(pack(TRACE, layer=2, head=3, step=1, cache="on"))
    assert header["view"] == {"step": 1, "layer": 2, "head": 3, "cache": "on", "cell": None}
    assert unpack(pack(UNCACHED))[0]["view"]["cache"] == "off"
    assert unpack(pack(COMPARISON))[0]["view"]["cache"] == "both"
    assert unpack(pack(COMPARISON, cache="off"))[0]["view"]["cache"] == "off"


@pytest.mark.parametrize(
    ("subject", "view", "words"),
    [
        (TRACE, {"layer": 3}, "no layer 3"),
        (TRACE, {"layer": -1}, "no layer -1"),
        (TRACE, {"head": 4}, "no head 4"),
        (TRACE, {"step": 4}, "no step 4"),
        (TRACE, {"cache": "off"}, "'off' is not in this run"),
        (TRACE, {"cache": "both"}, "'both' is not in this run"),
        (UNCACHED, {"cache": "on"}, "'on' is not in this run"),
        (COMPARISON, {"cache": "maybe"}, "'maybe' is not in this run"),
        (TRACE, {"layers": [3]}, "cannot be packed"),
        (TRACE, {"layers": [1, 1]}, "cannot be packed"),
    ],
)
def test_a_view_that_does_not_exist_is_refused(subject, view, words):
    with pytest.raises(PayloadError, match=words):
        pack(subject, **view)


@pytest.mark.parametrize("limit", ["MAX_BYTES", "MAX_CELLS"])
def test_a_run_too_large_to_be_drawn_is_refused(monkeypatch, limit):
    monkeypatch.setattr(f"kvviz.player.payload.{limit}", 100)
    with pytest.raises(PayloadError, match="too large"):
        pack(TRACE)


def test_runs_that_part_and_end_apart_show_the_steps_of_both():
    longer = make_trace(n_new=5)
    shorter = make_trace(n_new=2, use_cache=False, token_ids=longer.token_ids[:6])
    comparison = CacheComparison(
        replace(longer, prompt=shorter.prompt), shorter, np.array([1e-7, 2e-7])
    )
    header, arrays = unpack(pack(comparison))
    assert (header["n_steps"], header["n_rows"], len(header["tokens"])) == (2, 5, 6)
    assert [len(run["chosen_ids"]) for run in header["runs"]] == [2, 2]
    assert arrays["on.keys.0"].shape == arrays["off.keys.0"].shape == (2, 5, 4)
    assert arrays["on.pattern.0"].shape == (2, 15)
    assert header["comparison"]["same_tokens"] is False


def test_texts_of_any_script_arrive_as_they_are():
    texts = ["猫", "🙂", "שלום", "\u2028", "</script>", '"', "\x00"]
    trace = replace(make_trace(), tokens=texts, prompt="".join(texts))
    header, _ = unpack(pack(trace))
    assert [token["text"] for token in header["tokens"]] == texts
    assert header["prompt"] == trace.prompt
    json.dumps(header)


def test_the_limits_are_what_is_packed_and_what_is_gone_through(monkeypatch):
    arrays = unpack(pack(TRACE))[1]
    of_layers = sum(array.nbytes for name, array in arrays.items() if name[-1].isdigit())
    for name, size in (("MAX_BYTES", of_layers), ("MAX_CELLS", 3 * 4 * 12**2)):
        with monkeypatch.context() as patch:
            patch.setattr(f"kvviz.player.payload.{name}", size)
            pack(TRACE)
            patch.setattr(f"kvviz.player.payload.{name}", size - 1)
            with pytest.raises(PayloadError, match="too large"):
                pack(TRACE)


T5 = make_trace(1, 5, card=make_card(3, 4, 6, family="t5"), n_encoder=7)
T5_UNCACHED = make_trace(1, 5, card=T5.model, n_encoder=7, use_cache=False)
TWO_CACHES = {
    "cached": T5,
    "uncached": T5_UNCACHED,
    "both": CacheComparison(T5, T5_UNCACHED, np.zeros(5)),
}


@pytest.mark.parametrize("subject", TWO_CACHES.values(), ids=TWO_CACHES)
@pytest.mark.parametrize("layers", [None, [1]])
def test_a_run_with_an_encoder_adds_what_the_contract_says(subject, layers):
    header, arrays = unpack(pack(subject, layers=layers))
    assert list(header) == [*CONTRACT["header"][:-1], "encoder", "arrays"]
    assert list(header["encoder"]) == CONTRACT["encoder"]
    n_encoder = len(header["encoder"]["tokens"])
    sizes = {
        "n_encoder": n_encoder,
        "n_rows": header["n_rows"],
        **{name: header["model"][name] for name in ("n_heads", "n_kv_heads", "d_head")},
    }
    for run in header["runs"]:
        assert list(run) == [*CONTRACT["run"], *CONTRACT["run_of_two_caches"]]
        on = run["cache"] == "on"
        assert run["n_cross_computed"] == [7] + [0 if on else 7] * 4
        assert run["n_cross_reused"] == [0] + [7 if on else 0] * 4
        for layer in header["layers"]:
            for name, words in CONTRACT["arrays_of_a_cross_layer"].items():
                dtype, shape = promised(words, **sizes)
                entry = arrays[f"{run['cache']}.{name}.{layer}"]
                assert list(entry.shape) == shape
                assert entry.dtype == FRAME["dtypes"][dtype]
    for side in header["counted"].values():
        assert list(side) == [*CONTRACT["counted_run"], *CONTRACT["counted_of_two_caches"]]
    assert header["counted"]["on"]["flops"] == [step.flops for step in T5.steps]
    assert header["counted"]["on"]["cache_bytes"] == [step.cache_bytes for step in T5.steps]
    assert header["counted"]["off"]["flops"] == [step.flops for step in T5_UNCACHED.steps]


def test_both_patterns_of_a_decoder_are_those_of_the_trace():
    _, arrays = unpack(pack(T5))
    for layer in range(3):
        for head in range(4):
            own = square(arrays[f"on.pattern.{layer}"][head], 5) / 255
            cross = arrays[f"on.cross_pattern.{layer}"][head] / 255
            # A weight is stored as the nearest of 256 even steps.
            assert np.abs(own - np.nan_to_num(T5.pattern(layer, head))).max() <= 0.501 / 255
            assert np.abs(cross - T5.cross_pattern(layer, head)).max() <= 0.501 / 255
        scale = arrays[f"on.cross_key_scale.{layer}"][:, None, None]
        keys = arrays[f"on.cross_keys.{layer}"] * scale / 127
        assert np.abs(keys - T5.cross_keys(layer)).max() <= 0.501 * scale.max() / 127


def test_small_pictures_of_a_decoder_show_the_largest_weight_of_each_block(monkeypatch):
    monkeypatch.setitem(CONTRACT, "thumbnail_cells", 3)
    monkeypatch.setitem(payload.CONTRACT, "thumbnail_cells", 3)
    _, arrays = unpack(pack(T5, layers=[0]))
    whole = np.nan_to_num(T5.pattern(2, 1))
    edges = [0, 1, 3, 5]
    for row in range(3):
        for column in range(3):
            block = whole[edges[row] : edges[row + 1], edges[column] : edges[column + 1]]
            assert abs(arrays["thumbnails"][2, 1, row, column] / 255 - block.max()) <= 0.501 / 255


def test_another_input_is_another_run_and_a_run_without_an_encoder_says_nothing_of_one():
    other = make_trace(1, 5, card=T5.model, n_encoder=6)
    assert fingerprint(other) != fingerprint(T5)
    for word in (b"encoder", b"cross"):
        assert word not in pack(TRACE)


@pytest.mark.parametrize("start", ["", "cross_"])
def test_fingerprints_are_those_that_the_trace_holds(start):
    _, arrays = unpack(pack(T5))
    source = T5.cross if start else T5
    for layer in range(T5.model.n_layers):
        halves = arrays[f"on.{start}fingerprints.{layer}"].astype(np.int64)
        whole = (halves[..., 1] << 32) + (halves[..., 0] & 0xFFFFFFFF)
        for taken, prints in zip(
            whole, (source.written_fingerprints, source.final_fingerprints), strict=True
        ):
            assert np.array_equal(taken, prints[:, layer, : taken.shape[-1]])


WINDOWED = make_trace(
    5, 8, card=make_card(3, 4, 6, n_kv_heads=2, family="gemma3", windows=(3, 0, 6))
)
WINDOWED_UNCACHED = make_trace(5, 8, card=WINDOWED.model, use_cache=False)
DROPPING = make_dropping(5, 8, card=make_card(3, 4, 6, n_kv_heads=2, family="llama"))
FORGETFUL = {"windows": WINDOWED, "uncached": WINDOWED_UNCACHED, "named cache": DROPPING}


@pytest.mark.parametrize("run", FORGETFUL.values(), ids=FORGETFUL)
@pytest.mark.parametrize("layers", [None, [1]])
def test_patterns_of_runs_that_forget_are_those_of_the_trace(run, layers):
    header, arrays = unpack(pack(run, layers=layers))
    name = header["runs"][0]["cache"]
    for layer in header["layers"]:
        for head in range(4):
            seen = square(arrays[f"{name}.pattern.{layer}"][head], run.n_rows) / 255
            exact = np.nan_to_num(run.pattern(layer, head))
            # 1e-6 for the float32 rounding of weights up to 1.
            assert np.abs(seen - exact).max() <= 0.5 / 255 + 1e-6
    if layers:
        # A short run has a cell a row.
        thumbnails = arrays["thumbnails"][2, 3] / 255
        assert np.abs(thumbnails - np.nan_to_num(run.pattern(2, 3))).max() <= 0.5 / 255 + 1e-6


def test_a_run_that_forgets_adds_what_the_contract_says_and_little_of_it():
    header, arrays = unpack(pack(WINDOWED))
    assert list(header) == [*CONTRACT["header"][:-1], "savings", "arrays"]
    assert header["model"]["windows"] == [3, 0, 6]
    assert arrays["on.life_of"].shape == (3, 2)
    assert set(arrays["on.lives"][:, 0]) == {0, 1, 2}
    # At each step a stretch of rows that are gone, one that is read, and one that is computed.
    assert arrays["on.lives"].shape[0] <= 3 * 3 * 8
    assert [int(step.reused.size) for step in WINDOWED.steps] == header["runs"][0]["n_reused"]


def test_a_named_cache_is_named_and_each_head_has_the_lives_of_its_rows():
    header, arrays = unpack(pack(DROPPING))
    assert header["named_cache"] == {
        "name": "every-second",
        "told": "every-second (first = 0, heads = first)",
    }
    assert list(header["named_cache"]) == CONTRACT["named_cache"]
    # Two lives: of what the first head keeps, and of what the second does.
    (dropping, whole), (again, _), (last, other) = arrays["on.life_of"].tolist()
    assert dropping == again == last == other != whole
    assert "named_cache" not in unpack(pack(TRACE))[0]


@pytest.mark.parametrize(
    ("settings", "numbers"),
    [
        ({"size": 12, "sinks": 4, "positions": "kept"}, {"sinks": 4, "rows": [16, 16]}),
        ({"budget": (4, 16, 8), "recent": 0.5}, {"rows": [4, 16]}),
        # One of all rows, and not one row.
        ({"budget": 1.0, "sinks": 0}, {"shares": [1.0, 1.0]}),
        ({"budget": (1, 0.5)}, {}),
        ({"key_bits": 2, "value_bits": 4, "group": 32}, {"bits": [2, 4]}),
        ({"size": True, "key_bits": 2}, {}),
    ],
)
def test_a_named_cache_tells_its_rows_sinks_and_bits(settings, numbers):
    assert kept_numbers(NamedCache("anything", tuple(settings.items()))) == numbers


def test_the_savings_are_counted_by_the_formula_of_the_cache_s_bytes():
    card = WINDOWED.model
    header, _ = unpack(pack(WINDOWED))
    savings = header["savings"]
    assert list(savings) == CONTRACT["savings"]
    plain = replace(card, n_kv_heads=card.n_heads, windows=())
    assert savings["plain"] == [plain.cache_bytes(5 + step) for step in range(8)]
    assert savings["no_windows"] == [n // 2 for n in savings["plain"]]
    assert savings["no_groups"] == [2 * step.cache_bytes for step in WINDOWED.steps]
    grouped = make_trace(5, 2, card=make_card(2, 4, n_kv_heads=2, family="llama"))
    savings = unpack(pack(grouped))[0]["savings"]
    assert savings["no_windows"] == [step.cache_bytes for step in grouped.steps]
    assert savings["plain"] == savings["no_groups"]
    assert "savings" not in unpack(pack(UNCACHED))[0]
