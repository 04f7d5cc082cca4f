"""A checkpoint to a folder that transformers loads by itself, with its card."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save as safetensors_bytes
from tokenizers import Tokenizer
from transformers import GenerationConfig

from training.card import write_card
from training.checkpoint import Checkpoint, load_checkpoint
from training.evaluation import Figures, evaluate
from training.files import write_whole
from training.loop import CHECKPOINT, FILM, LOG, TOKENIZER
from training.models import FUSED_GELU, NAMED_GELU, build_model
from training.tokenizer import save_tokenizer

EVALUATION = "evaluation.json"


def export(run: Path, folder: Path, corpus: Path, twin: Path | None = None) -> Figures:
    """Writes the weights of a run as float16 beside config, tokenizer, film, figures and card.

    The figures are measured on the files written, rounding to float16 included.

    Args:
        run: Folder of the run.
        folder: Where the model goes; files of an earlier export are replaced.
        corpus: The corpus folder, for the held-out figures and the baselines.
        twin: For a BERT or a Llama, the folder of the GPT-2 that its card compares it with.

    Returns:
        The figures.

    Raises:
        CheckpointError: There is no readable checkpoint, or the disk is full.
        CorpusError: The corpus is missing or not the one described.
    """
    checkpoint = load_checkpoint(run / CHECKPOINT)
    write_model(checkpoint, Tokenizer.from_file(str(run / TOKENIZER)), folder)
    figures = evaluate(folder, corpus, twin)
    write_whole(folder / EVALUATION, json.dumps(figures.record()).encode())
    write_whole(folder / FILM, (run / FILM).read_bytes())
    log = [json.loads(line) for line in (run / LOG).read_text(encoding="utf-8").splitlines()]
    write_whole(folder / "README.md", write_card(checkpoint, figures, log).encode())
    return figures


def write_model(checkpoint: Checkpoint, tokenizer: Tokenizer, folder: Path) -> None:
    """Writes weights, config and tokenizer.

    Args:
        checkpoint: Of a finished or an unfinished run.
        tokenizer: The one the run was trained with.
        folder: Where the files go.
    """
    model = build_model(checkpoint.shape)
    model.load_state_dict(checkpoint.model)
    model.tie_weights()
    config = model.config
    for name in ("activation_function", "hidden_act"):
        if getattr(config, name, None) == FUSED_GELU:
            setattr(config, name, NAMED_GELU)
    config.architectures = [type(model).__name__]
    config.dtype = torch.float16
    tied = set(model.all_tied_weights_keys)
    tensors = {
        name: tensor.half().contiguous()
        for name, tensor in model.state_dict().items()
        if name not in tied
    }
    write_whole(folder / "model.safetensors", safetensors_bytes(tensors, metadata={"format": "pt"}))
    write_whole(folder / "config.json", config.to_json_string().encode())
    if checkpoint.shape.family != "bert":
        generation = GenerationConfig.from_model_config(config)
        write_whole(folder / "generation_config.json", generation.to_json_string().encode())
    save_tokenizer(tokenizer, folder, family=checkpoint.shape.family, n_ctx=checkpoint.shape.n_ctx)
