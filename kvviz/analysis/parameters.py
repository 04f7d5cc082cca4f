"""How many parameters an architecture has, and in which of its parts they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kvviz.analysis.state_parameters import state_parameters
from kvviz.errors import OptionsError
from kvviz.trace.architecture import Architecture
from kvviz.trace.compressed_rows import CompressedRows
from kvviz.translation import N_
from kvviz.translation import gettext as _


@dataclass(frozen=True)
class ParameterCount:
    """Parameters by part, tied ones counted once.

    Attributes:
        embeddings: Tokens, learned positions, and the output matrix where it is not tied.
        attention: The matrices that make queries, keys, values and the output of the heads, and
            what changes and reads a state of constant size.
        mlp: Dense MLPs, experts, and what chooses among them.
        other: Norms, and what the scheme has no word for.
        idle: Those of `mlp` that a token does not go through.
    """

    embeddings: int
    attention: int
    mlp: int
    other: int
    idle: int = 0

    @property
    def total(self) -> int:
        """All parameters."""
        return self.embeddings + self.attention + self.mlp + self.other

    @property
    def active(self) -> int:
        """Parameters that one token goes through, the embedding matrices counted whole."""
        return self.total - self.idle

    @property
    def parts(self) -> dict[str, int]:
        """Name of each part to its parameters; to be translated where it is shown."""
        return {
            N_("embeddings"): self.embeddings,
            N_("attention"): self.attention,
            N_("MLP"): self.mlp,
            N_("norms and rest"): self.other,
        }


def count_parameters(shape: Architecture) -> ParameterCount:
    """Count the parameters of a model from its config.

    Source: the shapes of the matrices in Vaswani et al. (2017), arXiv 1706.03762; gated MLPs:
    Shazeer (2020), arXiv 2002.05202; experts: Shazeer et al. (2017), arXiv 1701.06538; MLA:
    DeepSeek-AI (2024), arXiv 2405.04434, section 2.1; indexers: DeepSeek-AI (2025), arXiv
    2512.02556, section 2.1, and `DeepseekV32Indexer` of transformers 5.23; layers that keep a
    state: `state_parameters`; rows of several positions: `DeepseekV4Attention` of transformers.
    """
    # An encoder-decoder has an encoder layer, and a decoder layer with two attentions, a layer.
    n_attentions, n_mlps = (3, 2) if shape.layout == "encoder-decoder" else (1, 1)
    d_routed = shape.d_expert_latent or shape.d_model
    expert = shape.n_mlp_matrices * d_routed * shape.d_expert
    shared = shape.n_mlp_matrices * shape.d_model * (shape.d_shared_expert or shape.d_expert)
    # What every token goes through: the router, the way to a latent row and back, shared experts.
    always = shape.d_model * shape.n_experts + shape.n_shared_experts * shared
    always += 2 * shape.d_model * shape.d_expert_latent
    attention = shape.n_attention_layers * n_attentions * _attention(shape)
    attention += shape.n_index_layers * _indexer(shape)
    if shape.compressed:
        attention += _compression(shape, shape.compressed)
    if shape.state:
        attention += shape.state.n_layers * state_parameters(shape.state, shape.d_model)
    norms = shape.n_layers * shape.n_norms + shape.n_outer_norms
    return ParameterCount(
        embeddings=shape.d_vocab * shape.d_model * (1 if shape.tied else 2)
        + shape.n_positions * shape.d_model,
        attention=attention,
        mlp=shape.n_dense_layers * n_mlps * _dense(shape)
        + shape.n_expert_layers * (shape.n_experts * expert + always),
        other=norms * shape.norm_width * shape.d_model
        + shape.n_attention_layers * shape.d_qk_norm
        + shape.n_other,
        idle=shape.n_expert_layers * (shape.n_experts - shape.n_active_experts) * expert,
    )


def _attention(shape: Architecture) -> int:
    """Count the parameters of one attention."""
    d_model, heads = shape.d_model, shape.n_heads
    if shape.compressed:
        # Queries through a latent row; one row that is key and value; the output made narrow in
        # groups of heads, and wide again; a sink a head.
        rows, latent, width = shape.compressed, shape.d_q_latent, heads * shape.d_head
        queries = d_model * latent + latent + latent * width
        out = width * rows.d_group + rows.n_groups * rows.d_group * d_model
        return queries + (d_model + 1) * shape.d_head + out + heads
    if shape.attention == "MLA":
        d_query = heads * (shape.d_head + shape.d_rope)
        latent = shape.d_q_latent
        # A latent row passes a norm of its own width before it is made wide again.
        queries = d_model * latent + latent + latent * d_query if latent else d_model * d_query
        keys_and_values = (
            d_model * (shape.d_kv_latent + shape.d_rope)
            + shape.d_kv_latent
            + shape.d_kv_latent * heads * (shape.d_head + shape.d_value)
        )
        gate = shape.is_gated * d_model * heads * shape.d_value
        return queries + keys_and_values + heads * shape.d_value * d_model + gate
    d_queries, d_keys = heads * shape.d_head, shape.n_kv_heads * shape.d_head
    biases = {"none": 0, "qkv": d_queries + 2 * d_keys, "all": d_queries + 2 * d_keys + d_model}
    gate = shape.is_gated * d_model * d_queries
    return 2 * d_model * (d_queries + d_keys) + biases[shape.biases] + gate


def _compression(shape: Architecture, rows: CompressedRows) -> int:
    """Count the parameters that make rows of several positions, and that mix residual streams."""
    d_model, width = shape.d_model, shape.d_head
    # What is averaged and by what weight, a bias a position, and a norm; fine rows overlap, so they
    # are made twice as wide.
    coarse = 2 * d_model * width + rows.coarse * width + width
    fine, key = (4 * d_model * wide + 2 * rows.fine * wide + wide for wide in (width, rows.d_index))
    choice = rows.n_index_heads * (shape.d_q_latent * rows.d_index + d_model)
    streams = rows.n_streams
    mixed = streams * (streams + 2) * (streams * d_model + 1) + 3
    return (
        rows.n_coarse * coarse
        + rows.n_fine * (fine + key + choice)
        + 2 * shape.n_layers * mixed
        + streams * (streams * d_model + 1) + 1
    )  # fmt: skip


def _indexer(shape: Architecture) -> int:
    """Count the parameters of one indexer: its queries, its key, norms, and weights of its heads.

    Under MLA its queries are made of the queries' latent row, and its heads are weighed.
    """
    of_latent = shape.attention == "MLA"
    d_made_of = shape.d_q_latent if of_latent else shape.d_model
    keys = shape.d_model * (shape.d_index + of_latent * shape.n_index_heads)
    return d_made_of * shape.n_index_heads * shape.d_index + keys + 2 * shape.d_index


def _dense(shape: Architecture) -> int:
    """Count the parameters of one dense MLP."""
    matrices = shape.n_mlp_matrices * shape.d_model * shape.d_mlp
    has_biases = shape.biases == "all"
    return matrices + has_biases * ((shape.n_mlp_matrices - 1) * shape.d_mlp + shape.d_model)


def parameters_of_gpt2_tensors(shapes: Mapping[str, tuple[int, ...]]) -> ParameterCount:
    """Sort the tensors of a GPT-2's weights file by part and count them.

    Args:
        shapes: Name of each tensor to its shape, as transformers names them.

    Raises:
        OptionsError: If a tensor is not one of GPT-2.
    """
    counted = {"wte": 0, "wpe": 0, "attn": 0, "mlp": 0, "ln_1": 0, "ln_2": 0, "ln_f": 0}
    for name, shape in shapes.items():
        part = next((word for word in name.split(".") if word in counted), None)
        if part is None:
            raise OptionsError(
                _("These are not the weights of a GPT-2."),
                found=_("There is {name!r}.").format(name=name),
            )
        size = 1
        for width in shape:
            size *= width
        counted[part] += size
    return ParameterCount(
        embeddings=counted["wte"] + counted["wpe"],
        attention=counted["attn"],
        mlp=counted["mlp"],
        other=counted["ln_1"] + counted["ln_2"] + counted["ln_f"],
    )
