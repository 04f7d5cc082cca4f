"""Untrained models, by family."""

from __future__ import annotations

import math
from typing import Any

import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    T5Config,
    T5ForConditionalGeneration,
)

from training.recipes import Shape
from training.tokenizer import END_OF_TEXT, PAD, SPECIAL_TOKENS

IDS = {token: i for i, token in enumerate(SPECIAL_TOKENS)}

# The same function as GPT-2's gelu_new, computed in one kernel instead of eight. A model is
# exported under the old name, which is how GPT-2 is known.
FUSED_GELU, NAMED_GELU = "gelu_pytorch_tanh", "gelu_new"

# Root mean squares that a T5 begins with: small embeddings, which Adam soon moves, and smaller
# still what a block adds to them, so that for a while a row is about the token that stands there.
EMBEDDING_RMS, ADDED = 0.1, 0.05
# Score that a row of the decoder gives the encoder's row of the same token; others get about 1.
ALIKE = 10.0
# Distance from which on all tokens are far, and what the side costs that a head does not look at.
FAR, WRONG_SIDE, ITSELF = 8, 2.0, 1.0

# Waves of root mean square 0.1: above the random start of the token embeddings, below their end.
WAVE_HEIGHT = 0.1 * 2**0.5


def build_model(shape: Shape) -> PreTrainedModel:
    """Makes an untrained model without dropout; set torch's seed before.

    Args:
        shape: Family and sizes. The layers of a T5 are so many in the encoder and as many in the
            decoder.
    """
    if shape.family == "bert":
        return _bert(shape)
    if shape.family == "t5":
        return _t5(shape)
    if shape.family == "llama":
        return _llama(shape)
    return _gpt2(shape)


def _gpt2(shape: Shape) -> GPT2LMHeadModel:
    config = GPT2Config(
        vocab_size=shape.d_vocab,
        n_positions=shape.n_ctx,
        n_embd=shape.d_model,
        n_layer=shape.n_layers,
        n_head=shape.n_heads,
        activation_function=FUSED_GELU,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=IDS[END_OF_TEXT],
        eos_token_id=IDS[END_OF_TEXT],
    )
    model = GPT2LMHeadModel(config)
    _begin_as_waves(model.transformer.wpe.weight)
    return model


def _bert(shape: Shape) -> BertForMaskedLM:
    config = BertConfig(
        vocab_size=shape.d_vocab,
        max_position_embeddings=shape.n_ctx,
        hidden_size=shape.d_model,
        intermediate_size=4 * shape.d_model,
        num_hidden_layers=shape.n_layers,
        num_attention_heads=shape.n_heads,
        hidden_act=FUSED_GELU,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=IDS[PAD],
    )
    model = BertForMaskedLM(config)
    _begin_as_waves(model.bert.embeddings.position_embeddings.weight)
    return model


def _llama(shape: Shape) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=shape.d_vocab,
        max_position_embeddings=shape.n_ctx,
        hidden_size=shape.d_model,
        intermediate_size=shape.d_mlp or 4 * shape.d_model,
        num_hidden_layers=shape.n_layers,
        num_attention_heads=shape.n_heads,
        num_key_value_heads=shape.n_kv_heads or shape.n_heads,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=IDS[END_OF_TEXT],
        eos_token_id=IDS[END_OF_TEXT],
    )
    return LlamaForCausalLM(config)


def _t5(shape: Shape) -> T5ForConditionalGeneration:
    config = T5Config(
        vocab_size=shape.d_vocab,
        d_model=shape.d_model,
        d_kv=shape.d_model // shape.n_heads,
        d_ff=4 * shape.d_model,
        num_layers=shape.n_layers,
        num_decoder_layers=shape.n_layers,
        num_heads=shape.n_heads,
        dropout_rate=0.0,
        pad_token_id=IDS[PAD],
        eos_token_id=IDS[END_OF_TEXT],
    )
    config.decoder_start_token_id = IDS[PAD]
    model = T5ForConditionalGeneration(config)
    _begin_at_neighbours(model)
    return model


@torch.no_grad()
def _begin_as_waves(positions: torch.Tensor) -> None:
    """Sets position embeddings to sines and cosines, from which training goes on.

    Neighbours are then related alike everywhere, so that what is learnt at one place serves all.
    From random positions a BERT of this size had not found its neighbours after 2 million tokens.
    The waves are those of Vaswani et al. (2017), section 3.5, with wavelengths up to the number of
    positions.

    Args:
        positions: (position d_model); changed in place.
    """
    n_positions, d_model = positions.shape
    place = torch.arange(n_positions)[:, None]
    rate = torch.exp(-math.log(n_positions) * torch.arange(0, d_model, 2) / d_model)
    positions[:, 0::2] = torch.sin(place * rate) * WAVE_HEIGHT
    positions[:, 1::2] = torch.cos(place * rate) * WAVE_HEIGHT


@torch.no_grad()
def _begin_at_neighbours(model: T5ForConditionalGeneration) -> None:
    """Sets a T5 so that from the first step on a sentinel finds its place and what stands there.

    To fill a blank, the decoder's sentinel has to find the same sentinel among the encoder's rows,
    and that row has to hold its neighbours. From random weights neither helps without the other,
    and a model of this size had found neither after 6 million tokens. So heads of the encoder
    begin with a liking for what is near, half of them to the left and half to the right (the
    slopes are those of ALiBi, Press et al., arXiv 2108.12409), and the cross-attention begins with
    one matrix for queries and keys, which scores what is alike (the idea is that of mimetic
    initialisation, Trockman and Kolter, arXiv 2305.09828). All of it is free to change.

    Args:
        model: Changed in place; its embeddings come with a standard deviation of 1, and every
            projection with one that keeps the width of what it is given.
    """
    model.shared.weight.mul_(EMBEDDING_RMS)
    stacks: tuple[Any, Any] = (model.encoder, model.decoder)
    for stack in stacks:
        bias = stack.block[0].layer[0].SelfAttention.relative_attention_bias.weight
        bias.copy_(_liking_for_the_near(bias.shape, two_sided=not stack.is_decoder))
        for block in stack.block:
            block.layer[0].SelfAttention.o.weight.mul_(ADDED)
            block.layer[-1].DenseReluDense.wo.weight.zero_()
    for block in stacks[1].block:
        cross = block.layer[1].EncDecAttention
        cross.k.weight.mul_((ALIKE / cross.key_value_proj_dim) ** 0.5)
        cross.q.weight.copy_(cross.k.weight)
        cross.o.weight.mul_(2 * ADDED)


def _liking_for_the_near(shape: tuple[int, int], *, two_sided: bool) -> torch.Tensor:
    """Returns what to add to scores, (bucket head).

    The first buckets of a side are the distances 0, 1, 2 and so on; an encoder's other side
    follows in the second half.
    """
    n_buckets, n_heads = shape
    side = n_buckets // 2 if two_sided else n_buckets
    bucket, head = torch.arange(n_buckets)[:, None], torch.arange(n_heads)
    distance = bucket % side
    liking = -(2.0 ** -(head // 2)) * distance.clamp(max=FAR)
    if two_sided:
        wrong_side = (bucket // side != head % 2) & (distance > 0)
        liking = liking - WRONG_SIDE * wrong_side - ITSELF * (bucket == 0)
    return liking
