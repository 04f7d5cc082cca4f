import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

from training.checkpoint import Checkpoint, Progress
from training.export import write_model
from training.models import build_model
from training.tokenizer import train_tokenizer


def test_transformers_loads_the_folder_and_gives_the_same_logits(tiny_recipe, stories, tmp_path):
    torch.manual_seed(0)
    model = build_model(tiny_recipe.shape).eval()
    progress = Progress(step=1, tokens=4096, seconds=1.0, started=1.0, film_points=1)
    checkpoint = Checkpoint(model.state_dict(), {}, progress, tiny_recipe.shape, {})
    write_model(checkpoint, train_tokenizer(stories, 400), tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(
        tmp_path, dtype=torch.float32, local_files_only=True
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    ids = torch.tensor([tokenizer("The king saw the fox.")["input_ids"]])
    assert loaded.config.activation_function == "gelu_new"
    # float16 keeps 11 bits: weights differ by up to 5e-4 of their size, logits by little more.
    assert torch.allclose(loaded(ids).logits, model(ids).logits, atol=2e-3)


def test_weights_are_float16_and_the_tied_head_is_stored_once(tiny_recipe, stories, tmp_path):
    model = build_model(tiny_recipe.shape)
    progress = Progress(step=1, tokens=4096, seconds=1.0, started=1.0, film_points=1)
    checkpoint = Checkpoint(model.state_dict(), {}, progress, tiny_recipe.shape, {})
    write_model(checkpoint, train_tokenizer(stories, 400), tmp_path)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        names = list(file.keys())
        assert all(file.get_tensor(name).dtype == torch.float16 for name in names)
    assert "transformer.wte.weight" in names
    assert "lm_head.weight" not in names
