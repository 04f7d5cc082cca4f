"""Untrained models, by family."""

from __future__ import annotations

import math

import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
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
    return T5ForConditionalGeneration(config)


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
