"""Encodings against transformers on the same checkpoint, under the model's mask and the other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import PreTrainedModel

from kvviz.engine import LoadedModel, load_model, trace_encoding
from kvviz.trace import EncodingTrace
from tests.parity.closeness import Rounded, assert_close
from tests.parity.tiny_berts import TEXT, TINY_BERTS
from tests.parity.tiny_models import PROMPT, TINY_MODELS

CASES = [(TEXT, case) for case in TINY_BERTS] + [(PROMPT, case) for case in TINY_MODELS]


@dataclass(frozen=True)
class Pair(Rounded):
    """One checkpoint, loaded by kvviz and by transformers alone."""

    text: str
    ours: LoadedModel
    plain: PreTrainedModel

    def hide(self, *places: int) -> tuple[int, ...]:
        return places if self.ours.card.family == "bert" else ()


class Plain(NamedTuple):
    """What transformers alone computes, its keys and values from its own projections."""

    output: object
    rows: list[torch.Tensor]  # layer: keys and values, each head position d_head


@pytest.fixture(
    scope="module", params=CASES, ids=lambda case: f"{type(case[1]).__name__} {case[1].name}"
)
def pair(request, tmp_path_factory) -> Pair:
    text, case = request.param
    folder = case.save(tmp_path_factory.mktemp("tiny"))
    ours = load_model(folder, device="cpu", dtype=case.dtype)
    return Pair(text, ours, case.load_plain(folder))


def own_mask(pair):
    return "causal" if pair.ours.card.family == "gpt2" else "bidirectional"


def replay(pair, enc: EncodingTrace) -> Plain:
    """Run transformers' model, with a mask of its own making where it is not the natural one."""
    arguments = {}
    if enc.mask != own_mask(pair):
        n = enc.n_tokens
        added = torch.zeros(1, 1, n, n, dtype=pair.plain.dtype)
        if enc.mask == "causal":
            added += torch.full((n, n), torch.finfo(added.dtype).min, dtype=added.dtype).triu(1)
        arguments["attention_mask"] = added
    seen = {}

    def keep(name):
        return lambda _module, _args, output: seen.__setitem__(name, output[0])

    names = ("c_attn", "self.key", "self.value")
    hooks = [
        module.register_forward_hook(keep(name))
        for name, module in pair.plain.named_modules()
        if name.endswith(names)
    ]
    with torch.no_grad():
        output = pair.plain(
            torch.tensor(enc.token_ids)[None],
            output_hidden_states=True,
            output_attentions=True,
            **arguments,
        )
    for hook in hooks:
        hook.remove()
    card = enc.model
    flat = [part for rows in seen.values() for part in rows.split(card.d_model, dim=-1)]
    if card.family == "gpt2":  # queries come first
        flat = [part for i, part in enumerate(flat) if i % 3]
    rows = [part.view(-1, card.n_heads, card.d_head).transpose(0, 1) for part in flat]
    return Plain(output, [torch.stack(rows[i : i + 2]) for i in range(0, len(rows), 2)])


@pytest.fixture(scope="module", params=["causal", "bidirectional"])
def both(request, pair) -> tuple[EncodingTrace, Plain]:
    enc = trace_encoding(pair.ours, pair.text, mask=request.param, hide=pair.hide(2, 5))
    assert enc.mask == request.param
    return enc, replay(pair, enc)


def test_tokens_are_those_of_the_tokenizer(pair):
    enc = trace_encoding(pair.ours, pair.text)
    assert enc.mask == own_mask(pair)
    if enc.model.family == "bert":
        words = "[CLS] the cat sat on the mat ##s , and the dog sat by [SEP]"
        assert enc.tokens == words.split()
        assert enc.special.tolist() == [True, *[False] * 13, True]
        parts = [pair.text[start:end] for start, end in enc.spans[1:-1]]
        assert " ".join(parts) == "The cat sat on the mat s , and the dog sat by"
        assert enc.spans[[0, -1]].tolist() == [[-1, -1], [-1, -1]]
    else:
        assert "".join(enc.tokens) == pair.text
        assert [pair.text[start:end] for start, end in enc.spans] == enc.tokens
        assert not enc.special.any()


def test_keys_and_values_are_those_of_the_projections(pair, both):
    enc, plain = both
    for layer, (keys, values) in enumerate(plain.rows):
        assert_close(enc.keys(layer), keys.double(), pair.traced_unit, "keys")
        assert_close(enc.values(layer), values.double(), pair.traced_unit, "values")


def test_hidden_states_are_those_of_transformers(pair, both):
    enc, plain = both
    assert len(plain.output.hidden_states) == enc.model.n_layers + 1
    for layer, states in enumerate(plain.output.hidden_states):
        assert_close(enc.hidden(layer), states[0].double(), pair.traced_unit, f"states {layer}")


def test_patterns_are_the_attentions(pair, both):
    enc, plain = both
    for layer, head in product(range(enc.model.n_layers), range(enc.model.n_heads)):
        pattern, scores = enc.pattern(layer, head), enc.scores(layer, head)
        forbidden = np.isnan(pattern)
        expected = np.triu(np.ones_like(forbidden), 1) if enc.mask == "causal" else np.zeros(1)
        np.testing.assert_array_equal(forbidden, np.broadcast_to(expected, forbidden.shape))
        theirs = plain.output.attentions[layer][0, head].double().numpy()
        # An error in a score makes the same in a weight at most; either side rounds a score once
        # when it is summed and once when it is scaled.
        limit = 4 * pair.traced_unit * max(1.0, np.nanmax(np.abs(scores)))
        assert np.abs(np.nan_to_num(pattern) - theirs).max() <= limit


def test_predictions_and_labels_are_those_of_the_logits(pair, both):
    enc, plain = both
    if not enc.model.has_head:
        assert enc.top_ids.shape == (enc.n_tokens, 0)
        assert (enc.label_ids == -1).all()
        return
    logs = plain.output.logits[0].double().log_softmax(-1).numpy()
    # The same few roundings as in the logits, which reach about ten.
    limit = 8 * pair.unit * max(1.0, float(plain.output.logits.abs().max())) + 1e-5
    for place in range(enc.n_tokens):
        np.testing.assert_allclose(
            np.log(enc.top_probs[place]), logs[place, enc.top_ids[place]], atol=limit
        )
        best = np.sort(logs[place])[::-1][: enc.top_ids.shape[1]]
        np.testing.assert_allclose(logs[place, enc.top_ids[place]], best, atol=limit)
    labels = enc.label_ids
    if enc.model.family == "bert":
        assert [*np.flatnonzero(labels >= 0)] == [2, 5]
        assert labels[[2, 5]].tolist() == enc.original_ids[[2, 5]].tolist()
        assert enc.token_ids[[2, 5]].tolist() == [4, 4]
    else:
        assert labels.tolist() == [*enc.token_ids[1:], -1]
    for place in np.flatnonzero(labels >= 0):
        assert abs(enc.label_logprobs[place] - logs[place, labels[place]]) <= limit


@pytest.mark.parametrize("pad_to", [None, 20])
def test_flops_are_those_that_torch_counts(pair, pad_to):
    with FlopCounterMode(display=False) as counter:
        enc = trace_encoding(pair.ours, pair.text, pad_to=pad_to)
    assert enc.flops == counter.get_total_flops()


def test_card_tells_the_shape(pair):
    card = pair.ours.card
    assert card.n_params == pair.plain.num_parameters() - pooler_size(pair.plain)
    assert card.has_head == hasattr(pair.plain, "lm_head") or hasattr(pair.plain, "cls")


def pooler_size(plain):
    pooler = getattr(plain, "pooler", None)
    return sum(parameter.numel() for parameter in pooler.parameters()) if pooler else 0


def test_rows_of_two_lengths_that_run_as_many_rows_agree_in_every_bit(pair):
    """A causal mask hides what follows, so the rows before an appended token keep every bit."""
    whole = trace_encoding(pair.ours, pair.text, mask="causal")
    for n in range(1, whole.n_tokens):
        short = trace_encoding(
            pair.ours, whole.token_ids[:n].tolist(), mask="causal", pad_to=whole.n_tokens
        )
        assert short.n_tokens == n
        np.testing.assert_array_equal(short.all_keys, whole.all_keys[:, :, :n])
        np.testing.assert_array_equal(short.all_values, whole.all_values[:, :, :n])
        np.testing.assert_array_equal(short.hidden_states, whole.hidden_states[:, :n])


def test_an_appended_token_changes_no_row_of_the_first_layer_and_all_above_if_seen(pair):
    ids = trace_encoding(pair.ours, pair.text).token_ids.tolist()
    n = len(ids) - 1
    short = trace_encoding(pair.ours, ids[:-1], mask="bidirectional", pad_to=n + 1)
    whole = trace_encoding(pair.ours, ids, mask="bidirectional")
    np.testing.assert_array_equal(short.keys(0), whole.keys(0)[:, :n])
    np.testing.assert_array_equal(short.values(0), whole.values(0)[:, :n])
    for layer in range(1, whole.model.n_layers):
        moved = (short.keys(layer) != whole.keys(layer)[:, :n]).any(axis=(0, 2))
        assert moved.all(), f"layer {layer}: {moved}"
