"""Rows of a cache that were changed: against a pass made by hand, and against transformers' own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import DynamicCache

import kvviz
from kvviz import caches
from kvviz.engine import load_model, row_effects
from kvviz.errors import KvvizError, OptionsError, TraceError
from tests.parity.tiny_decoders import TINY_DECODERS
from tests.parity.tiny_models import PROMPT, TINY_MODELS

STEP, LAYER, ROW, OTHER = 2, 1, 4, 7
GROUPED = next(one for one in TINY_DECODERS if one.name.startswith("six over two"))


def changed(keys, values, kind, part, head):
    """Return rows with the change, made in plain indices."""
    rows = {"key": keys.copy(), "value": values.copy()}
    for name in ("key", "value") if part == "both" else (part,):
        own = rows[name][LAYER, head]
        if kind == "zero":
            own[ROW] = 0
        elif kind == "shift":
            own[ROW] = own[ROW - 1].copy()
        else:
            own[[ROW, OTHER]] = own[[OTHER, ROW]].copy()
    return rows["key"], rows["value"]


def by_hand(weights, keys, values, token, position, n_heads):
    """Return log probabilities after one token of a GPT-2, in float64, by NumPy alone."""
    w = {name: one.double().numpy() for name, one in weights.items()}

    def norm(x, name):
        x = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    def product(x, name):
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["transformer.wte.weight"][token] + w["transformer.wpe.weight"][position]
    for layer in range(len(keys)):
        at = f"transformer.h.{layer}"
        query, key, value = np.split(product(norm(x, f"{at}.ln_1"), f"{at}.attn.c_attn"), 3)
        mixed = []
        for head, (q, k, v) in enumerate(
            zip(*(one.reshape(n_heads, -1) for one in (query, key, value)), strict=True)
        ):
            scores = np.vstack([keys[layer, head], k]) @ q / np.sqrt(q.size)
            pattern = np.exp(scores - scores.max())
            mixed.append(pattern / pattern.sum() @ np.vstack([values[layer, head], v]))
        x = x + product(np.concatenate(mixed), f"{at}.attn.c_proj")
        inner = product(norm(x, f"{at}.ln_2"), f"{at}.mlp.c_fc")
        inner = 0.5 * inner * (1 + np.tanh(np.sqrt(2 / np.pi) * (inner + 0.044715 * inner**3)))
        x = x + product(inner, f"{at}.mlp.c_proj")
    logits = norm(x, "transformer.ln_f") @ w["transformer.wte.weight"].T
    return logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    case = next(one for one in TINY_MODELS if one.name == "odd heads and width")
    folder = case.save(tmp_path_factory.mktemp("gpt2"))
    model = load_model(folder, device="cpu", dtype="float32")
    return model, case.load_plain(folder), kvviz.trace_generation(model, PROMPT, max_new_tokens=4)


@pytest.mark.parametrize("part", ["key", "value", "both"])
@pytest.mark.parametrize("kind", ["zero", "swap", "shift"])
def test_a_changed_row_gives_what_a_pass_by_hand_gives(gpt2, kind, part):
    model, plain, run = gpt2
    n = run.n_prompt + STEP - 1
    found = kvviz.change_row(model, run, STEP, LAYER, ROW, kind, part=part, kv_head=3, other=OTHER)
    rows = [
        np.stack([of(layer)[:, :n] for layer in range(run.model.n_layers)]).astype(np.float64)
        for of in (run.keys, run.values)
    ]
    weights, token = plain.state_dict(), int(run.token_ids[n])
    for told, (keys, values) in (
        (found.before, rows),
        (found.after, changed(*rows, kind, part, 3)),
    ):
        expected = by_hand(weights, keys, values, token, n, run.model.n_heads)
        # float32 beside float64: three layers of it, on log probabilities down to some -30.
        np.testing.assert_allclose(told, expected, atol=2e-4)
    kl = (np.exp(found.before) * (found.before - found.after)).sum()
    assert found.kl_nats == pytest.approx(max(0.0, kl))
    if (kind, part) == ("swap", "both"):
        # A sum over rows asks for no order: who says where a row stood is the row itself.
        assert np.abs(found.after - found.before).max() < 1e-4
    else:
        assert np.abs(found.after - found.before).max() > 1e-3


def test_a_row_of_all_heads_of_a_grouped_model_gives_what_transformers_gives(tmp_path):
    folder = GROUPED.save(tmp_path)
    model, plain = load_model(folder, device="cpu", dtype=GROUPED.dtype), GROUPED.load_plain(folder)
    run = kvviz.trace_generation(model, PROMPT, max_new_tokens=4)
    n = run.n_prompt + STEP - 1
    found = kvviz.change_row(model, run, STEP, LAYER, ROW)
    cache = DynamicCache()
    for layer in range(run.model.n_layers):
        keys, values = (torch.from_numpy(of(layer)[:, :n].copy()) for of in (run.keys, run.values))
        if layer == LAYER:
            keys[:, ROW], values[:, ROW] = 0, 0
        cache.update(keys[None], values[None], layer)
    with torch.no_grad():
        made = plain(
            torch.tensor([run.token_ids[n : n + 1].tolist()]),
            past_key_values=cache,
            position_ids=torch.tensor([[n]]),
        )
    expected = made.logits[0, -1].double().log_softmax(-1).numpy()
    np.testing.assert_allclose(found.after, expected, atol=1e-4)


def test_every_row_of_a_head_is_changed_by_itself(gpt2):
    model, _plain, run = gpt2
    n = run.n_prompt + STEP - 1
    told = []
    found = row_effects(
        model, run, STEP, LAYER, 3, part="value", progress=lambda *at: told.append(at)
    )
    assert told[-1] == (n, n)
    one = kvviz.change_row(model, run, STEP, LAYER, ROW, part="value", kv_head=3)
    assert found.kl_nats[ROW] == pytest.approx(one.kl_nats)
    assert found.same[ROW] == one.same_argmax
    np.testing.assert_array_equal(found.weights, run.pattern(LAYER, 3)[n, :n].astype(np.float64))
    np.testing.assert_allclose(
        found.value_lengths, np.linalg.norm(run.values(LAYER)[3, :n], axis=-1), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"step": 9}, TraceError, "step"),
        ({"layer": 3}, TraceError, "layer"),
        ({"position": 99}, OptionsError, "there are rows 0 to"),
        ({"other": -1}, OptionsError, "there are rows 0 to"),
        ({"kind": "melt"}, OptionsError, "one of zero, swap, shift"),
        ({"part": "query"}, OptionsError, "one of key, value, both"),
    ],
)
def test_what_is_not_there_is_refused_in_words(gpt2, asked, error, says):
    model, _plain, run = gpt2
    asked = {"step": STEP, "layer": LAYER, "position": ROW} | asked
    with pytest.raises(error, match=says):
        kvviz.change_row(model, run, **asked)


def test_a_run_that_let_rows_go_and_another_model_are_refused(gpt2, tmp_path):
    tiny, _plain, run = gpt2
    let_go = kvviz.trace_generation(tiny, PROMPT, max_new_tokens=3, cache=caches.Window(4))
    with pytest.raises(OptionsError, match="keeps every row"):
        kvviz.change_row(tiny, let_go, 1, 0, 0)
    with pytest.raises(KvvizError, match="the model that made the run"):
        kvviz.change_row(load_model(GROUPED.save(tmp_path), device="cpu"), run, 1, 0, 0)
