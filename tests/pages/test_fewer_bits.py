"""Rows in fewer bits in the cache lab, without a browser."""

import json
import re
import struct

import numpy as np
import pytest

import kvviz
from kvviz import caches
from kvviz.engine import judge_all
from kvviz.trace.packed_rows import how_far_off
from kvviz.ui.pages.cache_lab import recorded
from kvviz.ui.pages.cache_lab.packing import Packing, packing
from kvviz.ui.pages.cache_lab.settings import USUAL_VIEW, LabSettings, parse, write
from kvviz.ui.pages.cache_lab.tried_packings import TRIED
from tests.pages.conftest import buffer_of
from tests.pages.test_cache_lab_page import TEXT, Lab

BITS = Packing(2, 4, "channel", "token", 8)
KINDS = (
    "Wash two apples. Cut them. Put butter and sugar into a bowl. Mix them well. Put the apples "
    "on top. Bake it for ten minutes. Let it",
    '"Where is my hat?" said Tom. "It is on the chair," said Ann. "No, it is not," said Tom. '
    '"Then it is under',
)
"""A recipe and a talk; the usual text is a story."""


def unpacked(data):
    """Return header and arrays of a packed buffer, as the front end reads them."""
    (length,) = struct.unpack_from("<I", data)
    header, start = json.loads(data[4 : 4 + length]), 4 + length
    dtypes = {"f32": "<f4", "u8": "u1"}
    arrays = {
        one["name"]: np.frombuffer(
            data, dtypes[one["dtype"]], int(np.prod(one["shape"])), start + one["offset"]
        ).reshape(one["shape"])
        for one in header["arrays"]
    }
    return header, arrays


def test_a_text_of_ones_own_is_packed_and_each_number_is_told_as_it_was_observed(model):
    lab = Lab(do="bits", text=TEXT, bits=str(BITS), new="4", layer="1", head="5")
    assert lab.errors == lab.notes == []
    # First the prediction: neither map nor flip is on the page.
    assert 'data-kvviz="verdict"' not in lab.html
    assert 'data-kvviz="first-flip"' not in lab.html
    assert lab.charts == {}
    lab.press("ask:fewer-bits:0")
    assert lab.errors == []
    # Below stand those of the recorded stories.
    first = re.search(r'data-kvviz="verdict"([^>]*)>', lab.html)[1]
    told, ids = dict(re.findall(r'data-([a-z-]+)="([^"]*)"', first)), model.tokenize(TEXT)
    kinds = [
        caches.Quantised(2, 4, "channel", "token", 8),
        caches.Quantised(2, 4, "token", "channel", 8),
    ]
    own, control = judge_all(model, ids, kinds, n_prompt=len(ids) // 2)
    assert told["kl"] == f"{own.kl_nats:.4f}"
    assert told["control-kl"] == f"{control.kl_nats:.4f}"
    assert told["loss"] == f"{own.loss_nats:.4f}"
    assert told["cache-bytes"] == str(own.cache_bytes)
    assert told["recorded"] == "0"

    run = kvviz.trace_generation(model, TEXT, max_new_tokens=4, cache=kinds[0])
    maps = [one for one in lab.app.get("bidi_component") if "addresses" in one.proto.json]
    header, arrays = unpacked(buffer_of(maps[-1]))
    assert (header["layer"], header["kv_head"]) == (1, 5)
    n = len(ids)
    np.testing.assert_array_equal(arrays["0.written"], run.keys(1)[5, :n])
    n_packed = n // 8 * 8
    assert arrays["0.packed"].tolist() == [1] * n_packed + [0] * (n - n_packed)
    np.testing.assert_array_equal(arrays["0.read"][:n_packed], run.packed.keys[1, 5, :n_packed])
    # What waits for its group is read as it was written.
    np.testing.assert_array_equal(arrays["0.read"][n_packed:], arrays["0.written"][n_packed:])
    assert arrays["2.packed"].all()
    np.testing.assert_array_equal(arrays["2.read"], run.packed.values[1, 5, :n])
    whole = kvviz.trace_generation(model, TEXT, max_new_tokens=4)
    same = run.token_ids[n:] == whole.token_ids[n:]
    assert lab.hooks("first-flip")["flip"] == ("" if same.all() else str(same.argmin()))
    assert lab.charts == {"kept-steps": 2 * 4}

    # A group that does not divide a row gets a sentence, and the list a way out.
    lab.app.selectbox(key="lab:group").set_value(64).run()
    (error,) = lab.errors
    assert "must divide its width, 32" in error
    lab.app.selectbox(key="lab:group").set_value(8).run()
    assert lab.errors == []


def test_one_part_is_kept_whole_and_of_the_other_alone_it_is_told():
    lab = Lab(do="bits", text=TEXT, bits="none/2,channel/token,8", new="2")
    assert lab.errors == lab.notes == []
    assert "keys whole, values in 2 bits by token" in lab.html
    lab.press("ask:fewer-bits:0")
    assert lab.errors == []
    told = re.search(r'data-kvviz="verdict"([^>]*)>', lab.html)[1]
    assert 'data-keys-off=""' in told
    assert "A packed value is off by" in lab.html
    assert "A packed key is off by" not in lab.html
    maps = [one for one in lab.app.get("bidi_component") if "addresses" in one.proto.json]
    header, _arrays = unpacked(buffer_of(maps[-1]))
    assert [panel["part"] for panel in header["panels"]] == ["values", "values"]
    lab.app.select_slider(key="lab:value_bits").set_value(0).run()
    (error,) = lab.errors
    assert "Keys or values are packed, or both" in error


def test_keys_by_channel_are_nearer_whatever_the_text_is_of(model):
    """The sentence and its reason, for three kinds of text: a story, which is recorded, and two."""
    usual = LabSettings()
    texts = (usual.text, *KINDS)
    kinds = [
        caches.Quantised(2, 2, *axes, 16) for axes in (("channel", "token"), ("token", "channel"))
    ]
    for text in texts:
        off = []
        for kind in kinds:
            run = kvviz.trace_generation(model, text, max_new_tokens=1, cache=kind)
            written = np.stack([run.keys(layer) for layer in range(run.model.n_layers)])
            is_packed = run.packed.packed_after[0] < 1
            far = how_far_off(run.packed.keys[:, :, is_packed], written[:, :, is_packed])
            off.append(far.mean(axis=-1))
        # In every head, and twice as near on average.
        assert (off[0] < off[1]).all()
        assert off[0].mean() < 0.6 * off[1].mean()
        ids = model.tokenize(text)
        own, control = judge_all(model, ids, kinds, n_prompt=len(ids) // 2)
        assert own.kl_nats < control.kl_nats
        # Scales and the rows that wait are counted: 2 bits of 32 are far from a sixteenth.
        assert own.full_cache_bytes / 8 < own.cache_bytes < own.full_cache_bytes / 3
        if text == usual.text:
            stored = recorded.of_bits(usual)
            for one, found in zip(stored.caches.values(), (own, control), strict=True):
                # Other processors sum in another order, and a rounding may fall the other way.
                np.testing.assert_allclose(one.losses, found.losses, atol=0.05)
                assert one.n_bytes == found.cache_bytes


def test_the_recorded_stories_have_the_order_that_larger_measurements_had():
    """What was measured before on longer documents: signs and orders; digits are of these."""
    found = recorded.of_statements()
    assert found.n_stories >= 2
    kl = {name: found.divergence(name) for name in TRIED}
    assert kl["eight"] < kl["four"] < kl["both"]
    assert kl["both"] < kl["token"]
    assert kl["both"] < kl["reversed"]
    assert kl["four"] < kl["four-token"]
    for bits in (1, 2):
        assert kl[f"keys-{bits}"] > kl[f"values-{bits}"]
        assert found.cost(f"keys-{bits}")[0] > found.cost(f"values-{bits}")[0]
    # What the reason says of values: the same loss, and less than half of the divergence.
    assert abs(found.cost("channel")[0] - found.cost("both")[0]) < 0.02
    assert kl["channel"] < kl["both"] / 2
    # Scales are counted: 2 bits of 32 are a sixteenth, and take more than that.
    assert found.n_bytes["token"] > found.full_bytes / 16


@pytest.mark.parametrize(
    ("words", "bits"),
    [
        ("4/8,token/token,32", Packing(4, 8, "token", "token", 32)),
        ("1/2,channel/token,8", Packing(1, 2, group=8)),
        ("none/2,channel/token,16", Packing(None, 2)),
        ("2/none,token/token,16", Packing(2, None, "token")),
    ],
)
def test_a_link_says_how_rows_are_packed_and_the_engine_reads_the_same(words, bits):
    from kvviz.engine.caches.cache_words import cache_of

    assert packing(words) == bits
    assert write(LabSettings(bits=bits), USUAL_VIEW) == {"bits": words}
    cache = cache_of(bits.for_engine)
    assert (cache.key_bits, cache.value_bits, cache.keys, cache.values, cache.group) == (
        bits.key_bits, bits.value_bits, bits.keys, bits.values, bits.group
    )  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        "3/2,channel/token,16",
        "2/2,row/token,16",
        "2/2,channel/token,12",
        "2",
        "",
        "<b>",
        "none/none,channel/token,16",
    ],
)
def test_a_link_with_no_such_bits_gives_the_usual_ones_and_a_line(words):
    settings, _view, wrong = parse({"bits": words})
    assert settings == LabSettings()
    assert len(wrong) == 1
