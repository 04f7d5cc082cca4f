"""Gemma 3, and the part of its larger siblings that reads and writes text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from torch import Tensor
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, PreTrainedModel

from kvviz.engine.models.families.family import Shape
from kvviz.engine.models.families.grouped_decoder import SETTINGS, GroupedDecoder
from kvviz.translation import gettext as _

_OF_TEXT = ("model.language_model.", "language_model.model.", "model.")
"""Where checkpoints keep the part for text: beside one for pictures, as it was once, and alone."""


class _Gemma3(GroupedDecoder):
    """Layers with a window and without in turn, each kind turned by a base of its own.

    Embeddings are scaled by the root of the width, scores by ``query_pre_attn_scalar`` and not by
    the width of a head, and four norms stand in a layer.
    """

    name = "gemma3"
    title = "Gemma 3"
    model_type = "gemma3_text"
    config_class = Gemma3TextConfig
    module = Gemma3ForCausalLM
    settings = (
        *SETTINGS,
        "hidden_activation",
        "attention_bias",
        "sliding_window",
        "sliding_window_pattern",
        "layer_types",
        "query_pre_attn_scalar",
        "rope_local_base_freq",
    )
    activation = "hidden_activation"
    class_prefix = "Gemma3"
    has_qk_norm = True
    norms = (
        "input_layernorm",
        "post_attention_layernorm",
        "pre_feedforward_layernorm",
        "post_feedforward_layernorm",
    )
    norm_offset = 1.0
    norms_added = True
    rope_layer_types = ("full_attention", "sliding_attention")
    other_heads = (
        *GroupedDecoder.other_heads,
        "vision_tower.",
        "multi_modal_projector.",
    )

    def _angles(
        self, module: Any, layer: int, rows: Tensor, places: Tensor
    ) -> tuple[Tensor, Tensor]:
        kind = self.layer_kinds(module.config.get_text_config())[layer]
        return module.model.rotary_emb(rows, places, kind)

    def refusal(self, settings: dict[str, Any]) -> str:
        """Refuse a pattern or a scale that is none, besides what all refuse."""
        for name in ("sliding_window_pattern", "query_pre_attn_scalar"):
            found = settings.get(name)
            if found is not None and (type(found) not in (int, float) or found <= 0):
                return _("{setting} is {found!r}, and must be a number above 0.").format(
                    setting=name, found=found
                )
        return super().refusal(settings)

    def plain_name(self, name: str) -> str:
        """Return a tensor's name as the part for text alone has it."""
        if name == "language_model.lm_head.weight":
            return "lm_head.weight"
        prefix = next((one for one in _OF_TEXT if name.startswith(one)), "")
        return super().plain_name(name.removeprefix(prefix))

    def module_class(
        self, found: Mapping[str, Shape]
    ) -> tuple[type[PreTrainedModel], dict[str, Any]]:
        """Return the class, and how the names of a larger sibling become its own."""
        names = {
            r"^language_model\.model\.": "model.",
            r"^language_model\.lm_head\.": "lm_head.",
            r"^model\.language_model\.": "model.",
        }
        return self.module, {"key_mapping": names}


GEMMA3 = _Gemma3()


def text_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return what a config.json says of the part for text; of any other model all it says."""
    text: Any = settings.get("text_config")
    if settings.get("model_type") != "gemma3" or not isinstance(text, dict):
        return settings
    outer = {
        name: settings[name]
        for name in ("eos_token_id", "quantization_config", "tie_word_embeddings")
        if name in settings
    }
    return {**outer, **cast("dict[str, Any]", text), "model_type": "gemma3_text"}
