"""What sets the families of models apart when a checkpoint is loaded, one file a family."""

from kvviz.engine.models.families.bert import BERT
from kvviz.engine.models.families.family import CheckpointFamily, Projection, Shape
from kvviz.engine.models.families.gemma3 import GEMMA3
from kvviz.engine.models.families.gpt2 import GPT2
from kvviz.engine.models.families.llama import LLAMA, MISTRAL, QWEN2, QWEN3, SMOLLM3
from kvviz.engine.models.families.t5 import T5

FAMILIES: dict[str, CheckpointFamily] = {
    family.model_type or family.name: family
    for family in (GPT2, BERT, T5, LLAMA, MISTRAL, QWEN2, QWEN3, SMOLLM3, GEMMA3)
}
"""By `model_type`, as config.json has it."""

# not for people: names of models
NOT_YET: dict[str, str] = {
    "gemma": "Gemma",
    "gemma2": "Gemma 2",
    "gpt_neo": "GPT-Neo",
    "gpt_neox": "GPT-NeoX",
    "gptj": "GPT-J",
    "mixtral": "Mixtral",
    "olmo2": "OLMo 2",
    "opt": "OPT",
    "phi": "Phi",
    "phi3": "Phi-3",
    "qwen2_moe": "Qwen2 MoE",
    "qwen3_moe": "Qwen3 MoE",
    "qwen3_next": "Qwen3-Next",
}
"""Families of the same kind that are not run yet, by `model_type`: what they are called."""

__all__ = ["FAMILIES", "NOT_YET", "CheckpointFamily", "Projection", "Shape"]
