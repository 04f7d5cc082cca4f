import dataclasses
import json

import pytest
import torch
from safetensors import safe_open
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
)

from training.checkpoint import Checkpoint, Progress
from training.export import write_model
from training.models import build_model
from training.tokenizer import train_tokenizer

LOADERS = {
    "gpt2": AutoModelForCausalLM,
    "llama": AutoModelForCausalLM,
    "bert": AutoModelForMaskedLM,
    "t5": AutoModelForSeq2SeqLM,
}


@pytest.fixture(params=LOADERS)
def written(request, tiny_recipe, stories, tmp_path):
    """A family, an untrained model of it, and the folder that was written."""
    shape = dataclasses.replace(tiny_recipe.shape, family=request.param)
    torch.manual_seed(0)
    model = build_model(shape).eval()
    progress = Progress(step=1, tokens=4096, seconds=1.0, started=1.0, film_points=1)
    checkpoint = Checkpoint(model.state_dict(), {}, progress, shape, {})
    write_model(checkpoint, train_tokenizer(stories, 400), tmp_path)
    return request.param, model, tmp_path


def test_transformers_loads_the_folder_and_gives_the_same_logits(written):
    family, model, folder = written
    loaded, told = LOADERS[family].from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, output_loading_info=True
    )
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    inputs = {"input_ids": torch.tensor([tokenizer("The king saw the fox.")["input_ids"]])}
    if family == "t5":
        inputs["decoder_input_ids"] = torch.tensor([[1, 5, 40, 41]])
    # float16 keeps 11 bits: weights differ by up to 5e-4 of their size, logits by little more.
    expected = model(**inputs).logits.detach()
    tolerance = 2e-3 * max(1.0, float(expected.abs().max()))
    assert torch.allclose(loaded.eval()(**inputs).logits, expected, atol=tolerance)
    assert not told["missing_keys"]
    assert not told["unexpected_keys"]


def test_the_config_names_the_function_as_the_family_does(written):
    family, _, folder = written
    config = json.loads((folder / "config.json").read_text())
    key = {"gpt2": "activation_function", "t5": "dense_act_fn"}.get(family, "hidden_act")
    assert config[key] == {"llama": "silu", "t5": "relu"}.get(family, "gelu_new")


def test_weights_are_float16_and_tied_ones_are_stored_once(written):
    _, model, folder = written
    with safe_open(folder / "model.safetensors", "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert all(tensor.dtype == torch.float16 for tensor in tensors.values())
    assert sum(t.numel() for t in tensors.values()) == sum(p.numel() for p in model.parameters())
