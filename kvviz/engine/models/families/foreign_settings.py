"""Settings of other families, which a config may bring along and which would change the result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from kvviz.translation import gettext as _

_NEUTRAL: dict[str, tuple[Any, ...]] = {
    # masks and windows
    "is_causal": (True,),
    "is_decoder": (True, False),
    "add_cross_attention": (False,),
    "use_bidirectional_attention": (False,),
    "attention_chunk_size": (),
    "sliding_window": (),
    "use_sliding_window": (False,),
    "sliding_window_pattern": (),
    "layer_types": (),
    # positions
    "no_rope_layers": (),
    "rope_local_base_freq": (),
    "rope_interleaved": (False,),
    "use_mrope": (False,),
    "alibi": (False,),
    "position_embedding_type": ("rope", "rotary"),
    # scores and logits
    "attn_logit_softcapping": (),
    "final_logit_softcapping": (),
    "query_pre_attn_scalar": (),
    "logits_scaling": (1, 1.0),
    "logit_scale": (1, 1.0),
    "attention_multiplier": (),
    "embedding_multiplier": (1, 1.0),
    "residual_multiplier": (1, 1.0),
    # products
    "attention_bias": (False,),
    "mlp_bias": (False,),
    "qkv_bias": (False,),
    "use_bias": (False,),
    "qk_layernorm": (False,),
    "use_qk_norm": (False,),
    "clip_qkv": (),
    "kv_lora_rank": (),
    "q_lora_rank": (),
    "parallel_attn": (False,),
    "use_parallel_residual": (False,),
    # experts
    "num_local_experts": (0, 1),
    "num_experts": (0, 1),
    "n_routed_experts": (0,),
    "moe_intermediate_size": (),
}
"""Settings that change what a model computes, and the values with which they do not."""

_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_intermediate_size")


def all_full(layer_types: Any) -> bool:
    """Return whether every layer that is named sees all positions."""
    return isinstance(layer_types, list) and all(
        kind == "full_attention" for kind in cast("list[Any]", layer_types)
    )


def foreign_refusal(
    settings: Mapping[str, Any], own: tuple[str, ...], class_prefix: str, title: str
) -> str:
    """Say in a sentence which setting of a config belongs to another family, or return ''.

    Args:
        settings: What config.json says.
        own: Settings that the family itself has.
        class_prefix: How the names of its classes begin.
        title: What it is called.
    """
    said: Any = settings.get("architectures")
    names = cast("list[Any]", said) if isinstance(said, list) else []
    for name in names:
        kind = f"{name}".casefold().removeprefix(class_prefix.casefold())
        if kind == f"{name}".casefold() or not kind.startswith(("for", "model", "text")):
            return _("config.json says model_type {type!r} and the architecture {name!r}.").format(
                type=settings.get("model_type"), name=name
            )
    for name, neutral in _NEUTRAL.items():
        found = settings.get(name)
        if name in own or found is None or found in neutral:
            continue
        if name == "layer_types" and all_full(found):
            continue
        if name in _EXPERTS:
            return _("{setting} is {found!r}: it is a mixture of experts.").format(
                setting=name, found=found
            )
        return _("{setting} is {found!r}, and a {family} has no such thing.").format(
            setting=name, found=found, family=title
        )
    return ""
