import dataclasses

import numpy as np
import pytest
import torch

from training.batches import Rows
from training.models import IDS, build_model
from training.objectives import (
    NOT_ASKED,
    MaskedToken,
    NextToken,
    NextTokenAfterStart,
    SpanCorruption,
    objective_for,
    to_tensors,
)
from training.tokenizer import CLS, END_OF_TEXT, MASK, N_SPECIAL, PAD, SENTINELS, SEP

CPU = torch.device("cpu")


def _rows(n_rows=2, n_ctx=32, jump=0):
    tokens = np.random.default_rng(0).integers(N_SPECIAL, 4096, (n_rows, n_ctx + 1))
    positions = np.tile(np.arange(n_ctx), (n_rows, 1))
    positions[:, n_ctx // 2 :] += jump
    return Rows(tokens, positions)


def _model(recipe, family):
    torch.manual_seed(0)
    return build_model(dataclasses.replace(recipe.shape, family=family))


def _draw():
    return np.random.default_rng(3)


def test_the_gpt2_loss_is_the_model_s_own_at_ordinary_positions(tiny_recipe):
    model = _model(tiny_recipe, "gpt2")
    rows = _rows()
    loss = NextToken().loss(model, *to_tensors(NextToken().inputs(rows, _draw()), CPU))
    tokens = torch.from_numpy(rows.tokens)
    logits = model(tokens[:, :-1]).logits
    own = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
    assert torch.allclose(loss, own, atol=1e-5)  # two orders of the same float32 sums


@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_tokens_after_a_jump_still_see_those_before_it(tiny_recipe, family):
    model = _model(tiny_recipe, family)
    objective = objective_for(family, 4096)
    *inputs, targets = to_tensors(objective.inputs(_rows(jump=500), _draw()), CPU)
    # Only the last place is scored: -100 is what cross-entropy leaves out.
    targets[:, :-1] = -100
    objective.loss(model, *inputs, targets).backward()
    embedding = model.transformer.wpe if family == "gpt2" else model.bert.embeddings
    weight = getattr(embedding, "position_embeddings", embedding).weight
    touched = weight.grad.abs().sum(1).nonzero().flatten()
    assert touched.tolist() == [*range(16), *range(516, 532)]


def test_bert_is_asked_for_15_percent_shown_80_10_10():
    rows = _rows(n_rows=64, n_ctx=256)
    shown, positions, asked, targets = MaskedToken(4096).inputs(rows, _draw())
    original = rows.tokens[:, :-1]
    assert np.all(shown[:, 0] == IDS[CLS])
    assert np.all(shown[:, -1] == IDS[SEP])
    assert positions is rows.positions
    assert asked.shape == (64, 38)  # 15 % of the 254 tokens between [CLS] and [SEP]
    assert asked.min() >= 1
    assert asked.max() <= 254
    assert all(len(set(row)) == 38 for row in asked.tolist())
    assert np.array_equal(targets, np.take_along_axis(original, asked, axis=1))
    at = np.take_along_axis(shown, asked, axis=1)
    # 2,432 places: four standard deviations of the shares are 0.033 and 0.025.
    assert abs(np.mean(at == IDS[MASK]) - 0.8) < 0.033
    assert abs(np.mean(at == targets) - 0.1) < 0.025
    untouched = np.ones_like(shown, dtype=bool)
    np.put_along_axis(untouched, asked, False, axis=1)
    untouched[:, [0, -1]] = False
    assert np.array_equal(shown[untouched], original[untouched])


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_gpt2_s_loss_sees_no_later_token_whichever_way_attention_is_computed(
    tiny_recipe, attention
):
    model = _model(tiny_recipe, "gpt2")
    inputs = to_tensors(NextToken().inputs(_rows(), _draw()), CPU)
    own = model(inputs[0], labels=inputs[2], shift_labels=inputs[2]).loss
    model.set_attn_implementation(attention)
    loss = NextToken().loss(model, *inputs)
    assert torch.allclose(loss, own, atol=1e-5)  # float32 sums


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_the_llama_loss_is_the_model_s_own_on_rows_that_begin_with_the_start_token(
    tiny_recipe, attention
):
    model = _model(tiny_recipe, "llama")
    rows = _rows()
    inputs = to_tensors(NextTokenAfterStart().inputs(rows, _draw()), CPU)
    expected = torch.from_numpy(rows.tokens.copy())
    assert torch.equal(inputs[2], expected[:, 1:])
    expected[:, 0] = IDS[END_OF_TEXT]
    assert torch.equal(inputs[0], expected[:, :-1])
    logits = model(expected[:, :-1]).logits
    own = torch.nn.functional.cross_entropy(logits.flatten(0, 1), expected[:, 1:].flatten())
    model.set_attn_implementation(attention)
    loss = NextTokenAfterStart().loss(model, *inputs)
    assert torch.allclose(loss, own, atol=1e-5)  # two orders of the same float32 sums


def test_bert_s_loss_is_that_of_the_whole_model_at_the_asked_places(tiny_recipe):
    model = _model(tiny_recipe, "bert")
    objective = MaskedToken(4096)
    inputs = to_tensors(objective.inputs(_rows(), _draw()), CPU)
    tokens, positions, asked, targets = inputs
    labels = torch.full_like(tokens, -100).scatter(1, asked, targets)
    own = model(tokens, position_ids=positions, labels=labels).loss
    assert torch.allclose(objective.loss(model, *inputs), own, atol=1e-5)  # float32 sums


def test_source_and_target_of_t5_put_together_give_the_row_back():
    rows = _rows(n_rows=3, n_ctx=256)
    sources, counts, decoders, targets = SpanCorruption().inputs(rows, _draw())
    assert np.array_equal(counts, np.arange(257) < 256 - 51 + 26 + 1 + np.zeros((3, 1)))
    sources = sources[:, counts[0] == 1]
    assert np.array_equal(decoders[:, 1:], targets[:, :-1])
    assert np.all(decoders[:, 0] == IDS[PAD])
    for row, source, target in zip(rows.tokens[:, :-1], sources, targets, strict=True):
        assert source[-1] == target[-1] == IDS[END_OF_TEXT]
        hidden = np.split(target[:-1], np.flatnonzero(target[:-1] < N_SPECIAL))[1:]
        spans = {int(span[0]): span[1:].tolist() for span in hidden}
        assert list(spans) == [IDS[name] for name in SENTINELS[:26]]
        assert sum(map(len, spans.values())) == 51
        whole = [t for s in source[:-1] for t in spans.get(int(s), [int(s)])]
        assert whole == row.tolist()


def test_rows_of_t5_that_are_cut_short_hide_any_number_of_spans_in_the_same_shapes():
    whole = _rows(n_rows=64, n_ctx=64)
    lengths = np.tile([64, 12, 30, 63], 16)
    rows = dataclasses.replace(whole, lengths=lengths)
    inputs = SpanCorruption().inputs(rows, _draw())
    assert [a.shape for a in inputs] == [a.shape for a in SpanCorruption().inputs(whole, _draw())]
    numbers = {12: set(), 30: set(), 63: set(), 64: set()}
    for row, length, source, counts, target in zip(
        whole.tokens, lengths, inputs[0], inputs[1], inputs[3], strict=True
    ):
        source, target = source[counts == 1], target[target != NOT_ASKED]
        assert source[-1] == target[-1] == IDS[END_OF_TEXT]
        hidden = np.split(target[:-1], np.flatnonzero(target[:-1] < N_SPECIAL))[1:]
        spans = {int(span[0]): span[1:].tolist() for span in hidden}
        numbers[length].add(len(spans))
        whole_text = [t for s in source[:-1] for t in spans.get(int(s), [int(s)])]
        assert whole_text == row[:length].tolist()
    assert numbers[12] == {1}
    assert numbers[64] == {6}
    assert numbers[30] == {1, 2, 3}
    assert {1, 2, 5} < numbers[63] <= {1, 2, 3, 4, 5, 6}


def test_t5_s_loss_is_the_model_s_own(tiny_recipe):
    model = _model(tiny_recipe, "t5")
    inputs = to_tensors(SpanCorruption().inputs(_rows(), _draw()), CPU)
    own = model(input_ids=inputs[0], attention_mask=inputs[1], labels=inputs[3]).loss
    loss = SpanCorruption().loss(model, *inputs)
    assert torch.allclose(loss, own, atol=1e-5)  # float32 sums


@pytest.mark.parametrize("family", ["gpt2", "llama", "bert", "t5"])
def test_what_is_hidden_is_drawn_anew_in_the_same_shapes(family):
    objective = objective_for(family, 4096)
    one, same, other = (
        objective.inputs(_rows(), np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert [a.shape for a in one] == [a.shape for a in other]
    differ = any(not np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert differ == (family in ("bert", "t5"))
