import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from kvviz.errors import TraceFileError
from kvviz.trace.storage import header_fields, header_json, open_trace
from tests.factories import make_card, make_trace
from tests.trace_files import (
    ARRAYS,
    header_of,
    members,
    npy,
    saved,
    with_array,
    with_header,
    zipped,
)

TRACE = make_trace(prompt="Once upon a time, 猫 🙂 שלום")
DATA = saved(TRACE)
HEADER = header_of(DATA)


def opened(data: bytes, **settings):
    return open_trace(io.BytesIO(data), **settings)


def refused(data: bytes, **settings) -> str:
    with pytest.raises(TraceFileError) as caught:
        opened(data, **settings)
    assert len(str(caught.value)) < 700
    return str(caught.value)


@pytest.mark.parametrize("use_cache", [True, False])
def test_what_was_saved_comes_back(tmp_path, use_cache):
    trace = make_trace(use_cache=use_cache, n_heads=4, n_kv_heads=2)
    trace.save(tmp_path / "run.npz")
    back = open_trace(tmp_path / "run.npz")
    for name in ("model", "prompt", "options", "tokens", "n_prompt", "stopped", "vocabulary"):
        assert getattr(back, name) == getattr(trace, name)
    assert back.environment == trace.environment
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(back, name), getattr(trace, name))
    for one, other in zip(back.steps, trace.steps, strict=True):
        assert vars(one).keys() == vars(other).keys()
        for name, value in vars(other).items():
            np.testing.assert_array_equal(getattr(one, name), value)
            assert type(getattr(one, name)) is type(value)


def test_a_file_from_before_runs_were_made_together_opens():
    assert opened(with_header(DATA, without(HEADER, "n_together"))).n_together == 1
    assert opened(with_header(DATA, HEADER | {"n_together": 30})).n_together == 30


def test_a_file_from_before_runs_were_timed_more_than_once_opens():
    assert opened(with_header(DATA, without(HEADER, "n_timings"))).n_timings == 1
    assert opened(with_header(DATA, HEADER | {"n_timings": 3})).n_timings == 3


def test_equal_traces_make_equal_files():
    assert saved(make_trace()) == saved(make_trace())


def test_numpy_itself_opens_the_file(tmp_path):
    TRACE.save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["all_keys"], TRACE.all_keys)


def test_saving_replaces_a_file_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "run.npz"
    path.write_bytes(b"old")
    TRACE.save(path)
    assert open_trace(path).prompt == TRACE.prompt
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]


def test_a_failure_half_way_leaves_the_old_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    path.write_bytes(b"old")

    def full_disk(file, array, **_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full_disk)
    with pytest.raises(TraceFileError, match="No space left"):
        TRACE.save(path)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]


@pytest.mark.parametrize("place", ["missing/run.npz", "."])
def test_a_place_that_cannot_be_written_to_is_named(tmp_path, place):
    with pytest.raises(TraceFileError, match="could not be saved"):
        TRACE.save(tmp_path / place)


def test_a_run_too_long_for_a_file_is_refused_when_it_is_saved(monkeypatch):
    monkeypatch.setattr(header_fields, "MAX_TOKENS", 6)
    with pytest.raises(TraceFileError, match="too long"):
        saved(TRACE)
    assert "too long" in refused(DATA)


def test_a_run_too_large_for_a_file_is_refused_when_it_is_saved(monkeypatch):
    monkeypatch.setattr("kvviz.trace.storage.trace_file.MAX_BYTES", 1000)
    with pytest.raises(TraceFileError, match="too large"):
        saved(TRACE)


def test_a_file_that_is_not_there_is_named(tmp_path):
    for place in ("no.npz", "."):
        with pytest.raises(TraceFileError, match="could not be read"):
            open_trace(tmp_path / place)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"once upon a time", "not even a zip"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not even a zip"),
        (pickle.dumps([1, 2]), "not even a zip"),
        (zipped({"photo.jpg": b"x"}), "without a kvviz header"),
        (zipped({}), "without a kvviz header"),
        (DATA[: len(DATA) // 2], "cut short"),
        (DATA[:-1], "cut short"),
    ],
)
def test_what_is_no_trace_is_told_from_what_is_a_broken_one(data, words):
    assert words in refused(data)


def test_a_changed_byte_in_the_numbers_is_noticed():
    stored = zipped(members(DATA), zipfile.ZIP_STORED)
    place = stored.index(TRACE.all_values.tobytes()) + 5
    assert "damaged" in refused(stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :])


@pytest.mark.parametrize("version", [0, 2, "1", None, [1] * 1000])
def test_an_unknown_format_version_is_said_with_what_to_do(version):
    words = refused(with_header(DATA, HEADER | {"format": version}))
    assert "Update kvviz" in words
    assert str(version)[:40] in words


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
        b'{"seconds": NaN}',
    ],
)
def test_a_header_that_is_not_json_is_refused(header):
    assert "not JSON" in refused(with_header(DATA, header))


@pytest.mark.parametrize("header", [b"[]", b"null", b"{}", b'{"magic": "other"}', b'"kvviz-trace"'])
def test_json_that_is_no_header_is_no_trace(header):
    assert "not a kvviz trace" in refused(with_header(DATA, header))


def without(header, name):
    return {key: value for key, value in header.items() if key != name}


def with_step(**change):
    first, *others = HEADER["steps"]
    return HEADER | {"steps": [first | change, *others]}


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (without(HEADER, "steps"), "lacks or adds steps"),
        (HEADER | {"extra": 1}, "lacks or adds extra"),
        (HEADER | {"prompt": 7}, "prompt is no text"),
        (HEADER | {"prompt": "x" * 1_000_001}, "prompt is no text"),
        (HEADER | {"tokens": "all"}, "tokens"),
        (HEADER | {"tokens": [1] * 7}, "tokens"),
        (HEADER | {"tokens": ["x" * 5_000] * 7}, "longer than 4,096"),
        (HEADER | {"tokens": HEADER["tokens"][:-1]}, "4 prompt tokens, 3 steps and 6 tokens"),
        (HEADER | {"tokens": []}, "0 tokens"),
        (HEADER | {"n_prompt": 0}, "n_prompt"),
        (HEADER | {"n_prompt": True}, "n_prompt"),
        (HEADER | {"n_likely": -1}, "n_likely"),
        (HEADER | {"n_likely": 10**30}, "too large"),
        (HEADER | {"steps": {}}, "steps"),
        (HEADER | {"steps": [1, 2, 3]}, "steps"),
        (HEADER | {"stopped": "bored"}, "known way"),
        (HEADER | {"stopped": ["length"]}, "known way"),
        (HEADER | {"model": []}, "fields that a card has"),
        (HEADER | {"model": HEADER["model"] | {"n_layers": -2}}, "positive"),
        (HEADER | {"model": HEADER["model"] | {"n_params": 10**400}}, "too large"),
        (HEADER | {"options": {}}, "settings"),
        (HEADER | {"options": HEADER["options"] | {"top_p": 7}}, "Top-p"),
        (HEADER | {"vocabulary": {"x": "y"}}, "no token id"),
        (HEADER | {"vocabulary": {"1": 2}}, "vocabulary"),
        (HEADER | {"vocabulary": {}}, "has none"),
        (HEADER | {"n_timings": 0}, "n_timings"),
        (HEADER | {"n_timings": 1.0}, "n_timings"),
        (HEADER | {"n_together": 0}, "n_together"),
        (HEADER | {"environment": {"a": 1}}, "environment"),
        (HEADER | {"environment": {"a": [[[[[[[1]]]]]]]}}, "nested"),
        (without(HEADER, "environment") | {"environment": []}, "environment"),
        (with_step(more=1), "lacks or adds more"),
        (with_step(fed=[0]), "fed"),
        (with_step(fed=[0, 2.5]), "fed"),
        (with_step(fed=[3, 1]), "fed"),
        (with_step(computed=[0, 10**9]), "computed"),
        (with_step(reused=[0, 2]), "either computed or reused"),
        (with_step(chosen_id="7"), "chosen_id"),
        (with_step(chosen_id=-1), "kind of run"),
        (with_step(seconds=1), "seconds"),
        (with_step(seconds=-1.0), "from 0 on"),
        (with_step(flops=-1), "from 0 on"),
        (with_step(chosen_prob=1.5), "lie in"),
        (with_step(max_row_change=0.5), "do not move"),
    ],
)
def test_a_header_with_a_wrong_field_is_refused_by_name(header, words):
    assert words in refused(with_header(DATA, header))


def test_a_number_that_only_json_takes_for_finite_is_refused():
    seconds = str(HEADER["steps"][0]["seconds"])
    broken = json.dumps(HEADER).replace(seconds, "1e999", 1).encode()
    assert "not finite" in refused(with_header(DATA, broken))


def test_half_a_character_in_a_header_is_refused():
    broken = HEADER | {"prompt": "\ud83d"}
    assert "Unicode" in refused(with_header(DATA, broken))


@pytest.mark.parametrize("name", ["all_keys", "token_ids", "top_probs"])
def test_a_missing_array_is_named(name):
    parts = members(DATA)
    del parts[f"{name}.npy"]
    assert f"lacks or adds {name}.npy" in refused(zipped(parts))


def test_an_extra_member_is_named():
    assert "evil.py" in refused(zipped(members(DATA) | {"evil.py": b"x"}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_is_there_twice_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in [*members(DATA).items(), ("queries.npy", b"x")]:
            archive.writestr(name, content)
    assert "twice" in refused(file.getvalue())


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("queries", TRACE.queries.astype(np.float64)),
        ("queries", TRACE.queries.astype(">f4")),
        ("queries", TRACE.queries[:, :, :-1]),
        ("queries", TRACE.queries.ravel()),
        ("token_ids", TRACE.token_ids.astype(np.int32)),
        ("top_ids", np.zeros((3, 4), dtype=np.int64)),
    ],
)
def test_an_array_of_another_dtype_or_shape_is_refused(name, array):
    assert f"{name}.npy declares" in refused(with_array(DATA, name, array))


def test_numbers_that_are_not_finite_are_refused():
    for name in ("queries", "all_keys", "all_values", "score_scale"):
        broken = np.array(getattr(TRACE, name))
        broken[0] = np.nan
        assert f"{name} holds a number" in refused(with_array(DATA, name, broken))


def test_an_array_in_column_order_is_refused():
    words = refused(with_array(DATA, "queries", np.asfortranarray(TRACE.queries)))
    assert "laid out" in words


def test_nothing_is_ever_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "trapped"), "w"))

    file = io.BytesIO()
    np.lib.format.write_array(file, np.array([Trap()], dtype=object), version=(1, 0))
    refused(zipped(members(DATA) | {"queries.npy": file.getvalue()}))
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x03\x00" + bytes(20),
        b"\x93NUMPY\x01\x00\x05\x00((((\n",
        b"\x93NUMPY\x01\x00\x80\x00" + b"-" * 127 + b"1",
        b"\x93NUMPY\x01\x00\x10\x27" + b"(" * 10_000,
        npy(TRACE.queries) + b"more",
        npy(TRACE.queries)[:-4],
        npy(TRACE.queries) + bytes(5_000),
    ],
)
def test_an_array_that_is_not_one_is_refused(content):
    assert "damaged" in refused(zipped(members(DATA) | {"queries.npy": content}))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(method):
    assert "packed in a way" in refused(zipped(members(DATA), method))


def test_an_encrypted_member_is_refused():
    data = bytearray(DATA)
    # The lowest bit of a member's flags says that it is encrypted; set it in the directory.
    place = data.index(b"PK\x01\x02") + 8
    data[place] |= 1
    assert "damaged" in refused(bytes(data))


def test_a_file_over_the_limit_is_not_even_unpacked():
    assert "up to 100 are allowed" in refused(DATA, max_bytes=100)


def test_a_zip_bomb_is_refused_by_what_it_declares():
    bomb = zipped(members(DATA) | {"queries.npy": bytes(20_000_000)})
    assert len(bomb) < 100_000
    assert "too large" in refused(bomb, max_bytes=1_000_000)
    assert "damaged" in refused(bomb)


def test_shapes_that_would_fill_the_memory_are_refused_before_they_are_made():
    card = make_card(n_layers=10**6, n_heads=10**6, d_head=10**6).to_json()
    assert "declares" in refused(with_header(DATA, HEADER | {"model": card}))


def test_a_header_that_would_fill_the_memory_is_refused():
    bomb = zipped({"header.npy": bytes(40_000_000)})
    assert "header takes 40,000,000 bytes" in refused(bomb)


def test_texts_too_large_for_a_file_are_refused_when_it_is_saved(monkeypatch):
    monkeypatch.setattr(header_json, "MAX_HEADER_BYTES", len(json.dumps(HEADER)) // 2)
    with pytest.raises(TraceFileError, match="header takes"):
        saved(TRACE)


def test_the_longest_run_and_prompt_that_are_allowed_come_back(monkeypatch):
    monkeypatch.setattr(header_fields, "MAX_TOKENS", len(TRACE.tokens))
    monkeypatch.setattr(header_fields, "MAX_PROMPT_CHARACTERS", len(TRACE.prompt))
    assert opened(saved(TRACE)).prompt == TRACE.prompt


def test_a_limit_may_be_met_exactly():
    data = saved(make_trace(n_prompt=200))
    unpacked = sum(map(len, members(data).values()))
    assert len(data) < unpacked
    assert opened(data, max_bytes=unpacked).n_prompt == 200
    assert "too large" in refused(data, max_bytes=unpacked - 1)


def test_an_array_that_declares_more_than_it_holds_is_refused_before_it_is_made():
    card = HEADER["model"] | {"n_layers": 10**6, "n_heads": 10**6, "n_kv_heads": 10**6}
    shape = (10**6, 10**6, 6, 4)
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f4", "fortran_order": False, "shape": shape}
    )
    parts = members(with_header(DATA, HEADER | {"model": card}))
    words = refused(zipped(parts | {"queries.npy": file.getvalue()}))
    assert "for 96,000,000,000,000 of numbers" in words


def test_what_stands_before_the_archive_counts_as_its_size():
    assert "too large" in refused(bytes(50_000) + DATA, max_bytes=20_000)
    assert opened(DATA, max_bytes=20_000).prompt == TRACE.prompt


@pytest.mark.parametrize("shape", [(-1, 1), (1, -1)])
def test_a_header_that_is_no_row_of_bytes_is_refused(shape):
    text = np.frombuffer(json.dumps(HEADER).encode(), dtype=np.uint8)
    for array in (text.reshape(shape), text.view(np.int8)):
        parts = members(DATA) | {"header.npy": npy(array)}
        assert "not an array of bytes" in refused(zipped(parts))
