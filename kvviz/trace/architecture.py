"""What a model's config says about its shape: enough to count its parameters and its KV cache."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from kvviz.errors import TraceError
from kvviz.trace.compressed_rows import CompressedRows
from kvviz.trace.state_layers import StateLayers
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

Layout = Literal["decoder", "encoder", "encoder-decoder"]
AttentionKind = Literal["MHA", "GQA", "MQA", "MLA", "CSA", "none", "other"]
Biases = Literal["none", "qkv", "all"]


@dataclass(frozen=True)
class Architecture:
    """The shape of a transformer, as its config names it; 0 where it has no such thing.

    Attributes:
        layout: Decoder only, encoder only, or both with as many layers each.
        attention: How keys and values are kept. MHA: a key and a value head for each query head.
            GQA: one for a group of query heads. MQA: one for all. MLA: one latent row from which
            all heads' keys and values are made. CSA: one row that is both for all heads, and
            rows that stand for several positions. ``none``: no layer attends. ``other``: none of
            these, so the cache is unknown.
        n_layers: Layers; of an encoder-decoder, in each of the two.
        n_heads: Query heads a layer.
        n_kv_heads: Key and value heads a layer; 0 under MLA, which keeps none.
        d_head: Width of a key head, in numbers; under MLA without its rotary part.
        d_model: Width of the residual stream.
        d_vocab: Rows of the embedding matrix, padding included.
        n_ctx: Longest sequence that the model is meant for, in tokens.
        d_mlp: Inner width of a dense MLP.
        n_mlp_matrices: 2, or 3 where a gate is added.
        n_experts: Routed experts of a layer that has them.
        n_active_experts: Routed experts that a token goes through.
        d_expert: Inner width of an expert.
        n_shared_experts: Experts that every token goes through.
        d_shared_expert: Inner width of such an expert, where it is not `d_expert`.
        d_expert_latent: Width of the row that routed experts read and write, where it is not
            `d_model`; two matrices a layer lead there and back.
        n_expert_layers: Layers whose MLP is made of experts; the others have a dense one.
        n_window_layers: Layers that see only the last `window` positions.
        window: Positions that such a layer sees.
        d_kv_latent: Width of the latent row under MLA.
        d_q_latent: Width of the queries' own latent row under MLA; 0 where they have none.
        d_rope: Width of the rotary part of a key under MLA, kept beside the latent row.
        d_value: Width of a value head under MLA.
        n_index_layers: Layers whose indexer chooses what is attended to.
        n_index_heads: Query heads of such an indexer.
        d_index: Width of the key that it keeps beside the layer's rows.
        n_layers_without_attention: Layers that do not attend, so keep no rows.
        n_layers_without_mlp: Layers without an MLP.
        state: What some layers keep that does not grow, or None.
        compressed: The rows that stand for several positions, under CSA.
        is_gated: Whether attention's output passes a gate as wide as the queries.
        tied: Whether the output matrix is the embedding matrix.
        n_positions: Rows of a learned position embedding.
        biases: Which matrices of attention and MLP have a bias: none, those that make queries,
            keys and values, or all.
        norm_width: Numbers that a norm has a channel: 1 (scale), 2 (scale and shift) or 0.
        n_norms: Norms a layer as wide as the residual stream.
        n_outer_norms: Norms of that width outside the layers.
        d_qk_norm: Numbers a layer in norms of queries and keys.
        n_other: Parameters that this scheme has no word for.

    Raises:
        TraceError: If a word is unknown, a number is negative, or numbers contradict each other.
    """

    layout: Layout
    attention: AttentionKind
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_head: int
    d_model: int
    d_vocab: int
    n_ctx: int
    d_mlp: int = 0
    n_mlp_matrices: int = 3
    n_experts: int = 0
    n_active_experts: int = 0
    d_expert: int = 0
    n_shared_experts: int = 0
    d_shared_expert: int = 0
    d_expert_latent: int = 0
    n_expert_layers: int = 0
    n_window_layers: int = 0
    window: int = 0
    d_kv_latent: int = 0
    d_q_latent: int = 0
    d_rope: int = 0
    d_value: int = 0
    n_index_layers: int = 0
    n_index_heads: int = 0
    d_index: int = 0
    n_layers_without_attention: int = 0
    n_layers_without_mlp: int = 0
    state: StateLayers | None = None
    compressed: CompressedRows | None = None
    is_gated: bool = False
    tied: bool = False
    n_positions: int = 0
    biases: Biases = "none"
    norm_width: int = 1
    n_norms: int = 2
    n_outer_norms: int = 1
    d_qk_norm: int = 0
    n_other: int = 0

    def __post_init__(self) -> None:
        for name, kind in (("layout", Layout), ("attention", AttentionKind), ("biases", Biases)):
            if getattr(self, name) not in get_args(kind):
                raise TraceError(
                    _("An architecture's {field} is one of {allowed}.").format(
                        field=name, allowed=", ".join(get_args(kind))
                    ),
                    found=_("It says {value!r}.").format(value=getattr(self, name)),
                )
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "int" and (type(value) is not int or value < 0):
                raise TraceError(
                    _("An architecture needs whole numbers from 0 up."),
                    found=_("{name} is {value!r}.").format(name=field.name, value=value),
                )
        for wrong, what in self._contradictions():
            if wrong:
                raise TraceError(_("An architecture contradicts itself."), found=what)

    def _contradictions(self) -> list[tuple[bool, str]]:
        heads, kv_heads = self.n_heads, self.n_kv_heads
        fitting = {
            "MHA": kv_heads == heads,
            "GQA": 1 < kv_heads < heads and heads % kv_heads == 0,
            "MQA": kv_heads == 1 < heads,
            "MLA": kv_heads == 0 < self.d_kv_latent and self.d_rope > 0 and self.d_value > 0,
            "CSA": kv_heads == 1 < heads and self.compressed is not None,
            "none": kv_heads == heads == self.n_attention_layers == 0,
            "other": True,
        }
        has_experts = self.n_expert_layers > 0
        rows = self.compressed
        n_compressing = rows.n_fine + rows.n_coarse if rows else 0
        n_state_layers = self.state.n_layers if self.state else 0
        return [
            (
                n_state_layers > self.n_layers,
                ngettext(
                    "{n_with} of {n} layer keep a state.",
                    "{n_with} of {n} layers keep a state.",
                    self.n_layers,
                ).format(n_with=n_state_layers, n=self.n_layers),
            ),
            (
                n_compressing > (self.n_attention_layers if self.attention == "CSA" else 0),
                ngettext(
                    "{n_with} of {n} layer compress rows under {attention}.",
                    "{n_with} of {n} layers compress rows under {attention}.",
                    self.n_attention_layers,
                ).format(n_with=n_compressing, n=self.n_attention_layers, attention=self.attention),
            ),
            (
                self.n_layers_without_attention > self.n_layers,
                ngettext(
                    "{n_with} of {n} layer do not attend.",
                    "{n_with} of {n} layers do not attend.",
                    self.n_layers,
                ).format(n_with=self.n_layers_without_attention, n=self.n_layers),
            ),
            (
                self.n_index_layers > self.n_attention_layers
                or len({self.n_index_layers > 0, self.n_index_heads > 0, self.d_index > 0}) > 1,
                ngettext(
                    "{n} layer has an indexer of {heads} heads, {width} wide.",
                    "{n} layers have an indexer of {heads} heads, {width} wide.",
                    self.n_index_layers,
                ).format(n=self.n_index_layers, heads=self.n_index_heads, width=self.d_index),
            ),
            (
                not fitting[self.attention],
                ngettext(
                    "{n_query} query and {n} KV head are not {attention}.",
                    "{n_query} query and {n} KV heads are not {attention}.",
                    kv_heads,
                ).format(n_query=heads, n=kv_heads, attention=self.attention),
            ),
            (
                self.n_window_layers > self.n_attention_layers,
                ngettext(
                    "{n_with} of {n} layer have a window.",
                    "{n_with} of {n} layers have a window.",
                    self.n_attention_layers,
                ).format(n_with=self.n_window_layers, n=self.n_attention_layers),
            ),
            (
                (self.n_window_layers > 0) != (self.window > 0),
                ngettext(
                    "{n} layer has a window of {window}.",
                    "{n} layers have a window of {window}.",
                    self.n_window_layers,
                ).format(n=self.n_window_layers, window=self.window),
            ),
            (
                self.n_dense_layers < 0,
                ngettext(
                    "{n_with} of {n} layer have experts.",
                    "{n_with} of {n} layers have experts.",
                    self.n_layers,
                ).format(n_with=self.n_expert_layers, n=self.n_layers),
            ),
            (
                has_experts != (0 < self.n_active_experts <= self.n_experts)
                or has_experts != (self.n_experts > 0)
                or has_experts != (self.d_expert > 0),
                ngettext(
                    "{n} layer has {experts}.", "{n} layers have {experts}.", self.n_expert_layers
                ).format(n=self.n_expert_layers, experts=self._experts()),
            ),
        ]

    def _experts(self) -> str:
        # Translators: what layers have
        return ngettext(
            "{n_active} of {n} expert of width {width}",
            "{n_active} of {n} experts of width {width}",
            self.n_experts,
        ).format(n_active=self.n_active_experts, n=self.n_experts, width=self.d_expert)

    @property
    def n_dense_layers(self) -> int:
        """Layers whose MLP every token goes through."""
        return self.n_layers - self.n_expert_layers - self.n_layers_without_mlp

    @property
    def n_attention_layers(self) -> int:
        """Layers that attend; of an encoder-decoder, in each of the two."""
        return self.n_layers - self.n_layers_without_attention
