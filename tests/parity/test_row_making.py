"""The making of a row as the player shows it, number for number, against the engine's own."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from kvviz.engine import load_model, trace_encoding, trace_generation
from kvviz.player import pack
from kvviz.ui.pages.bert_vs_gpt2.payload import Pair
from kvviz.ui.pages.bert_vs_gpt2.payload import pack as pack_pair

SCRIPT = Path(__file__).with_name("row_making.mjs")
N_CELLS = 50

ROUNDED = 2e-5
"""float32 sums of some dozens of products differ by this much from the same sums in float64."""

RUNS = {
    "gpt2": ("kvviz/gpt2-mini", "Once upon a time there was a little girl named Lily."),
    "t5": ("kvviz/t5-mini", "Once there was a little<extra_id_0> in the<extra_id_1>."),
}


@pytest.fixture(scope="module")
def run(request, tmp_path_factory):
    """A run of each family, and the file that the player would be sent."""
    model, text = RUNS[request.param]
    trace = trace_generation(load_model(model, device="cpu"), text, max_new_tokens=12)
    file = tmp_path_factory.mktemp("packed") / "run.bin"
    file.write_bytes(pack(trace))
    return trace, file


def made(file, cells):
    node = shutil.which("node")
    if node is None and not os.environ.get("CI"):
        pytest.skip("Node.js 20 or newer is not here: https://nodejs.org")
    assert node, "Node.js 20 or newer is not here: https://nodejs.org"
    asked = json.dumps({"file": str(file), "cells": cells})
    done = subprocess.run(
        [node, str(SCRIPT)], input=asked, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def random_cells(trace, *, cross):
    chance = np.random.default_rng(7)
    card = trace.model
    cells = []
    for _ in range(N_CELLS):
        query = int(chance.integers(trace.n_rows))
        n_keys = trace.cross.n_encoder if cross else query + 1
        cells.append(
            {
                "cross": cross,
                "layer": int(chance.integers(card.n_layers)),
                "head": int(chance.integers(card.n_heads)),
                "query": query,
                "key": int(chance.integers(n_keys)),
            }
        )
    return cells


@pytest.mark.parametrize(
    ("run", "cross"), [("gpt2", False), ("t5", False), ("t5", True)], indirect=["run"]
)
def test_score_weight_and_mix_of_fifty_cells_are_the_engines(run, cross):
    trace, file = run
    cells = random_cells(trace, cross=cross)
    rows = trace.cross if cross else trace
    for cell, found in zip(cells, made(file, cells), strict=True):
        layer, head, query, key = (cell[name] for name in ("layer", "head", "query", "key"))
        keys = trace.cross_keys(layer)[head] if cross else trace.keys(layer)[head]
        values = trace.cross_values(layer)[head] if cross else trace.values(layer)[head]
        n_keys = len(keys) if cross else query + 1
        score = np.float64(rows.queries[layer, head, query] @ keys[key]) * rows.score_scale[layer]
        if not cross and trace.position_bias is not None:
            score += trace.position_bias[head, query, key]
        pattern = trace.cross_pattern(layer, head) if cross else trace.pattern(layer, head)
        check(found, score, pattern[query, :n_keys], values[:n_keys], key)


def check(found, score, weights, values, key):
    """Hold what the browser made of a cell to the engine's score, weights and values."""
    weights = weights.astype(np.float64)
    # What is said of a score is a bound, and the weight follows from all scores of the row.
    within = found["within"] + ROUNDED * max(1.0, abs(score))
    assert abs(found["score"] - score) <= within
    assert abs(found["weight"] - weights[key]) <= np.expm1(2 * within) * weights[key] + 1e-7
    mix = weights @ values.astype(np.float64)
    off = np.expm1(2 * within) * (weights @ np.abs(values)) + 1e-4 * np.abs(values).max()
    assert (np.abs(np.array(found["mix"]) - mix) <= off).all()
    # The bound is worth something, also for the large queries and keys of a T5.
    assert found["within"] < 0.03


READ = "Lily played with her red ball. It rolled under the bed."


@pytest.mark.parametrize("masks", [("causal", "bidirectional"), ("bidirectional", "causal")])
def test_score_weight_and_mix_of_fifty_cells_are_those_of_a_reading_under_either_mask(
    masks, tmp_path
):
    sides = {
        which: trace_encoding(load_model(name, device="cpu"), READ, mask=mask)
        for which, name, mask in zip(
            ("left", "right"), ("kvviz/gpt2-mini", "kvviz/bert-mini"), masks, strict=True
        )
    }
    file = tmp_path / "pair.bin"
    file.write_bytes(pack_pair(Pair(sides["left"], sides["right"], ("GPT-2", "BERT"), ("", ""))))
    chance = np.random.default_rng(7)
    cells = []
    for which, encoding in sides.items():
        for _ in range(N_CELLS):
            query = int(chance.integers(encoding.n_tokens))
            n_keys = query + 1 if encoding.mask == "causal" else encoding.n_tokens
            cells.append(
                {
                    "which": which,
                    "layer": int(chance.integers(encoding.model.n_layers)),
                    "head": int(chance.integers(encoding.model.n_heads)),
                    "query": query,
                    "key": int(chance.integers(n_keys)),
                }
            )
    for cell, found in zip(cells, made(file, cells), strict=True):
        encoding = sides[cell["which"]]
        layer, head, query, key = (cell[name] for name in ("layer", "head", "query", "key"))
        weights = encoding.pattern(layer, head)[query]
        seen = ~np.isnan(weights)
        score = float(encoding.scores(layer, head)[query, key])
        values = encoding.values(layer)[head][seen]
        check(found, score, weights[seen], values, key)
