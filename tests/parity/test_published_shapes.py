"""Shapes of the table, beside the models that transformers builds from its own defaults.

The defaults of these config classes are those of the checkpoint that they name, so the shape in the
table must give as many parameters, to the last one. On the meta device a model takes no memory.
"""

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, Mistral4ForCausalLM

from kvviz.analysis.parameters import count_parameters
from kvviz.lessons.model_table import model_table

SHAPES = {row.id: row.shape for row in model_table()}
BUILT = {
    "jamba-v0.1": "jamba",
    "qwen3-next-80b-a3b": "qwen3_next",
    "qwen3.5-35b-a3b": "qwen3_5_moe_text",
    "olmo-hybrid-7b": "olmo_hybrid",
    "ling-3.0-flash": "bailing_hybrid",
    "deepseek-v3.2": "deepseek_v32",
    "glm-5": "glm_moe_dsa",
    "glm-4.7-flash": "glm4_moe_lite",
    "deepseek-v4-flash": "deepseek_v4",
    "mistral-small-4": "mistral4",
    "minimax-m2": "minimax_m2",
    "ministral-3-8b": "ministral3",
    "smollm3-3b": "smollm3",
    "command-r": "cohere",
    "stablelm-3b-4e1t": "stablelm",
    "phi-3.5-moe": "phimoe",
    "gpt-neox-20b": "gpt_neox",
    "gpt-j-6b": "gptj",
    "falcon-7b": "falcon",
}

# The layers of the released config, by how many positions its rows stand for; the class's default
# has no layers with a window alone.
RELEASED = {
    "deepseek_v4": {"layer_types": ["sliding_attention"] * 2
                    + ["compressed_sparse_attention", "heavily_compressed_attention"] * 20
                    + ["compressed_sparse_attention"]},
}  # fmt: skip


@pytest.mark.parametrize(("row", "kind"), BUILT.items())
def test_the_shape_gives_the_parameters_of_the_model_that_transformers_builds(row, kind):
    config = AutoConfig.for_model(kind, **RELEASED.get(kind, {}))
    with torch.device("meta"):
        if kind == "mistral4":
            model = Mistral4ForCausalLM(config)
        else:
            model = AutoModelForCausalLM.from_config(config)
    assert sum(one.numel() for one in model.parameters()) == count_parameters(SHAPES[row]).total
