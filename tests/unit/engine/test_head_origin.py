"""What a head's rows were made of: observed, and held to the rows that the run's attention used."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from kvviz.engine import head_origin, load_model, trace_encoding, trace_generation
from kvviz.errors import ObservationError, OptionsError, RunCancelledError, TraceError
from kvviz.player.contract import CONTRACT
from kvviz.player.head_origin import OriginAsked, pack_origin
from kvviz.trace.head_origin import ROW_PARTS, HeadOrigin
from tests.parity.tiny_decoders import TINY_DECODERS
from tests.parity.tiny_models import PROMPT
from tests.payload_reader import unpack

N_CELLS = 20
ARRAYS = CONTRACT["arrays_of_an_origin"]

RUNS = {
    "gpt2": ("kvviz/gpt2-mini", "Once upon a time there was a little girl named Lily."),
    "t5": ("kvviz/t5-mini", "Once there was a little<extra_id_0> in the<extra_id_1>."),
}

ROUNDED = 1e-5
"""float32 sums of 256 products, of numbers up to 10, after six layers: measured 6e-6 at most."""


@pytest.fixture(scope="module")
def made(request):
    name, text = RUNS[request.param]
    model = load_model(name, device="cpu")
    return model, trace_generation(model, text, max_new_tokens=8)


def rows_of(trace, layer, head, *, cross):
    """Return the rows that the run's attention used, by part."""
    source = trace.cross if cross else trace
    keys = trace.cross_keys(layer) if cross else trace.keys(layer)
    values = trace.cross_values(layer) if cross else trace.values(layer)
    return {"query": source.queries[layer, head], "key": keys[head], "value": values[head]}


@pytest.mark.parametrize(
    ("made", "cross"), [("gpt2", False), ("t5", False), ("t5", True)], indirect=["made"]
)
def test_hidden_row_times_weight_plus_bias_is_the_row_that_attention_used(made, cross):
    model, trace = made
    chance = np.random.default_rng(11)
    card = model.card
    for _ in range(N_CELLS):
        layer, head = int(chance.integers(card.n_layers)), int(chance.integers(card.n_heads))
        origin = head_origin(model, trace, layer, head, cross=cross)
        used = rows_of(trace, layer, head, cross=cross)
        assert bool(origin.biases) == (card.family == "gpt2")
        for part in ROW_PARTS:
            row, number = (int(chance.integers(n)) for n in used[part].shape)
            entered, weight = origin.inputs(part)[row], origin.weights[part][:, number]
            total = sum(float(x) * float(w) for x, w in zip(entered, weight, strict=True))
            total += float(origin.biases[part][number]) if origin.biases else 0
            assert abs(total - float(used[part][row, number])) <= origin.within[part] + 1e-9
            assert origin.within[part] <= ROUNDED


@pytest.mark.parametrize("made", ["gpt2"], indirect=True)
def test_what_attention_adds_is_all_mixes_through_the_output_projection(made):
    model, trace = made
    layer = 3
    origin = head_origin(model, trace, layer, 0)
    mixes = [
        np.nan_to_num(trace.pattern(layer, head)) @ trace.values(layer)[head]
        for head in range(model.card.n_heads)
    ]
    product = model.module.transformer.h[layer].attn.c_proj
    weight, bias = (one.detach().numpy() for one in (product.weight, product.bias))
    assert np.abs(np.concatenate(mixes, axis=1) @ weight + bias - origin.added).max() < 1e-4
    # The stream before the first layer is what the embeddings gave, and goes on with what is added.
    first = head_origin(model, trace, 0, 0)
    wte, wpe = model.module.transformer.wte.weight, model.module.transformer.wpe.weight
    ids = torch.tensor(trace.token_ids[: trace.n_rows])
    assert np.allclose(first.stream, (wte[ids] + wpe[: len(ids)]).detach().numpy(), atol=1e-6)


def test_the_run_without_the_cache_is_told_as_well(model, t5):
    for one in (model, t5):
        trace = trace_generation(one, PROMPT, max_new_tokens=4, use_cache=False)
        assert head_origin(one, trace, 0, 1).hidden.shape == (trace.n_rows, one.card.d_model)


def test_rows_of_cross_attention_are_made_of_the_encoders(t5):
    trace = trace_generation(t5, PROMPT, max_new_tokens=4)
    origin = head_origin(t5, trace, 1, 0, cross=True)
    assert len(origin.inputs("query")) == trace.n_rows
    assert len(origin.inputs("key")) == len(origin.inputs("value")) == trace.cross.n_encoder


def test_a_turned_and_normed_head_is_packed_as_the_player_reads_it(tmp_path):
    (case,) = (one for one in TINY_DECODERS if one.name == "windows first")
    gemma = load_model(case.save(tmp_path), device="cpu")
    trace = trace_generation(gemma, PROMPT, max_new_tokens=4)
    origin = head_origin(gemma, trace, 0, 2)
    header, arrays = unpack(pack_origin("run", OriginAsked(0, 2), origin))
    assert set(arrays) == {name for name in ARRAYS if "bias" not in name} - {"encoder_hidden"}
    assert arrays["cos"].shape == (trace.n_rows, gemma.card.d_head // 2)
    assert header["added_is_normed"]
    assert header["epsilon"] == gemma.module.config.rms_norm_eps
    for wrong in ({"cos": origin.cos[:, 1:]}, {"norms": {"key": origin.norms["key"][1:]}}):
        with pytest.raises(TraceError, match="does not have the shape"):
            replace(origin, **wrong)


def test_each_family_says_where_its_products_are(bert):
    product = bert.family.projection(bert.module, 0, "key", cross=False)
    encoding = trace_encoding(bert, PROMPT)
    made = encoding.hidden_states[0] @ product.weight.detach().numpy()
    made += product.bias.detach().numpy()
    keys = encoding.keys(0).transpose(1, 0, 2).reshape(made.shape)
    assert np.abs(made - keys).max() < 1e-5


def test_another_model_is_refused(model, t5):
    trace = trace_generation(model, PROMPT, max_new_tokens=3)
    with pytest.raises(OptionsError, match="with the model that made it"):
        head_origin(t5, trace, 0, 0)
    with pytest.raises(OptionsError, match="Only a T5"):
        head_origin(model, trace, 0, 0, cross=True)
    with pytest.raises(TraceError, match="no layer 99"):
        head_origin(model, trace, 99, 0)
    with pytest.raises(RunCancelledError):
        head_origin(model, trace, 0, 0, cancel=lambda: True)


def test_a_model_of_that_shape_with_other_weights_is_found_out(model):
    trace = trace_generation(model, PROMPT, max_new_tokens=3)
    other = replace(model, module=copy.deepcopy(model.module))
    with torch.no_grad():
        other.module.transformer.h[1].attn.c_attn.bias[0] += 0.01
    head_origin(other, trace, 0, 0)
    with pytest.raises(ObservationError, match="does not give the rows of this run"):
        head_origin(other, trace, 1, 0)


def test_an_origin_whose_parts_contradict_each_other_is_none(model):
    origin = head_origin(model, trace_generation(model, PROMPT, max_new_tokens=3), 0, 0)
    assert isinstance(origin, HeadOrigin)
    with pytest.raises(TraceError, match="hidden does not have the shape"):
        replace(origin, hidden=origin.hidden[:, 1:])
    with pytest.raises(TraceError, match="no others are"):
        replace(origin, cross=True)
