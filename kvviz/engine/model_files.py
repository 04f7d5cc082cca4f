"""The files of a model, checked before torch sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from kvviz.errors import ModelFamilyError, ModelFilesError

_SINGLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_OTHER_WEIGHTS = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack", "*.gguf", "*.onnx")
_TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "vocab.txt", "*.model")
_SIZES = ("n_layer", "n_head", "n_embd", "n_positions", "vocab_size")
_FLOATS = ("F64", "F32", "F16", "BF16")
# Causal masks, which GPT-2 checkpoints of older versions carry among their weights.
_OLD_MASKS = (".attn.bias", ".attn.masked_bias")
_LATER_FAMILIES = {"bert": "BERT", "t5": "T5"}
_COMPLETE = "Give a folder with config.json, model.safetensors and the tokenizer's files."

Shape = tuple[int, ...]


def has_tokenizer(folder: Path) -> bool:
    """Return whether a folder holds the files of a tokenizer."""
    return any(any(folder.glob(pattern)) for pattern in _TOKENIZER_FILES)


def has_weights(folder: Path) -> bool:
    """Return whether a folder holds a config and safetensors weights, all of them."""
    try:
        read_config(folder)
        return bool(weight_files(folder))
    except ModelFilesError:
        return False


def read_config(folder: Path) -> dict[str, Any]:
    """Return the settings in a folder's config.json, which are those of a GPT-2.

    Raises:
        ModelFilesError: If the file is missing, is not JSON, or holds settings that cannot be.
        ModelFamilyError: If they describe another kind of model.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise ModelFilesError(f"{folder} has no config.json.", fix=_COMPLETE)
    config = read_json(path)
    model_type = config.get("model_type")
    if later := _LATER_FAMILIES.get(str(model_type)):
        raise ModelFamilyError(
            f"{later} models cannot be loaded yet.",
            found=f"config.json says model_type {model_type!r}.",
            fix="Load a GPT-2; this family comes in a later version.",
        )
    if model_type != "gpt2":
        raise ModelFamilyError(
            "kvviz cannot run this kind of model.",
            found=f"config.json says model_type {model_type!r}.",
            fix="Load a GPT-2.",
        )
    if config.get("add_cross_attention") or config.get("is_causal") is False:
        raise ModelFamilyError(
            "This is a GPT-2 that was built into another kind of model.",
            found="config.json asks for cross-attention or for attention to later tokens.",
            fix="Load a plain GPT-2.",
        )
    if config.get("quantization_config"):
        raise ModelFamilyError(
            "kvviz cannot run quantised weights.", fix="Load the model in its original precision."
        )
    return config


def check_sizes(config: Any) -> None:
    """Hold the sizes in a config to what a GPT-2 can be built with.

    Args:
        config: The model's `GPT2Config`.

    Raises:
        ModelFilesError: If one is not positive, or the heads do not divide the width.
    """
    for name in _SIZES:
        if getattr(config, name) < 1:
            raise bad_config(f"{name} is {getattr(config, name)}, and must be at least 1")
    if config.n_inner is not None and config.n_inner < 1:
        raise bad_config(f"n_inner is {config.n_inner}, and must be at least 1")
    if config.n_embd % config.n_head:
        raise bad_config(f"a width of {config.n_embd} cannot be cut into {config.n_head} heads")


def bad_config(found: str) -> ModelFilesError:
    """Return the error of a config that no model can be built from."""
    return ModelFilesError(
        "The model's settings do not describe a GPT-2 that can be built.",
        found=f"There, {found}.",
        fix="Fetch the model again.",
    )


def weight_files(folder: Path) -> list[Path]:
    """Return the safetensors files that hold a model's weights.

    Raises:
        ModelFilesError: If there are none, some are missing, or only other formats are there.
    """
    if (folder / _SINGLE).is_file():
        return [folder / _SINGLE]
    if (folder / _INDEX).is_file():
        parts = read_json(folder / _INDEX).get("weight_map")
        if not isinstance(parts, dict) or not all(isinstance(part, str) for part in parts.values()):
            raise ModelFilesError(
                f"{_INDEX} does not say where the weights are.", fix="Fetch the model again."
            )
        files = [folder / part for part in sorted(set(parts.values()))]
        if missing := [file.name for file in files if not file.is_file()]:
            raise ModelFilesError(
                f"{folder} lacks a part of the weights.",
                found=f"{_INDEX} names {missing[0]}, which is not there.",
                fix="Fetch the model again.",
            )
        return files
    others = sorted(path.name for pattern in _OTHER_WEIGHTS for path in folder.glob(pattern))
    if others:
        raise ModelFilesError(
            "kvviz loads weights from safetensors files only.",
            found=f"{folder} holds {others[0]}, a format that can run code or that it cannot read.",
            fix="Convert it to model.safetensors with save_pretrained of transformers.",
        )
    raise ModelFilesError(f"{folder} has no weights.", fix=_COMPLETE)


def read_shapes(files: list[Path]) -> dict[str, Shape]:
    """Return name and shape of each tensor in safetensors files, from their headers.

    Raises:
        ModelFilesError: If a file is damaged, or holds numbers that are not floating point.
    """
    shapes: dict[str, Shape] = {}
    for file in files:
        try:
            with safe_open(file, framework="numpy") as tensors:
                for name in tensors.keys():  # noqa: SIM118, safe_open is no mapping
                    part = tensors.get_slice(name)
                    shapes[name] = tuple(part.get_shape())
                    if part.get_dtype() not in _FLOATS and not name.endswith(_OLD_MASKS):
                        raise ModelFilesError(
                            "The weights are not floating-point numbers.",
                            found=f"{name} in {file.name} holds {part.get_dtype()}.",
                            fix="Load the model in its original precision.",
                        )
        except (SafetensorError, OSError) as error:
            raise _damaged(file, error) from error
    return shapes


def _damaged(file: Path, error: Exception) -> ModelFilesError:
    with file.open("rb") as start:
        is_pointer = start.read(40).startswith(b"version https://git-lfs")
    return ModelFilesError(
        f"{file.name} is damaged or cut short.",
        found="It is a Git LFS pointer, not the weights."
        if is_pointer
        else f"It has {file.stat().st_size:,} bytes; {error}.",
        fix="Run `git lfs pull`." if is_pointer else "Fetch the model again.",
    )


def check_fit(shapes: dict[str, Shape], config: Any) -> None:
    """Hold the tensors of a checkpoint to what its config calls for.

    Args:
        shapes: Names and shapes, with or without the prefix ``transformer.``.
        config: The model's `GPT2Config`.

    Raises:
        ModelFilesError: If a tensor is missing, is one too many, or has another shape.
    """
    found = {
        name.removeprefix("transformer."): shape
        for name, shape in shapes.items()
        if not name.endswith(_OLD_MASKS)
    }
    n_layers = len({name.split(".")[1] for name in found if name.startswith("h.")})
    if n_layers != config.n_layer:
        raise _misfit(f"The weights have {n_layers} layers, the config says {config.n_layer}")
    expected = dict(_expected_shapes(config))
    if config.tie_word_embeddings:
        found.setdefault("lm_head.weight", expected["wte.weight"])
    if missing := sorted(expected.keys() - found.keys()):
        raise _misfit(f"{len(missing)} tensors are missing, among them {missing[0]}")
    if unexpected := sorted(found.keys() - expected.keys()):
        raise _misfit(f"{len(unexpected)} tensors belong to no GPT-2, among them {unexpected[0]}")
    for name, shape in expected.items():
        if found[name] != shape:
            raise _misfit(f"{name} has the shape {found[name]}, the config calls for {shape}")


def _misfit(found: str) -> ModelFilesError:
    return ModelFilesError(
        "The weights do not fit config.json.",
        found=f"{found}.",
        fix="Put the config and the weights of the same model together.",
    )


def _expected_shapes(config: Any) -> Iterator[tuple[str, Shape]]:
    """Yield name and shape of every tensor of a GPT-2; Conv1D weights are input by output."""
    width = config.n_embd
    inner = config.n_inner if config.n_inner is not None else 4 * width
    yield "wte.weight", (config.vocab_size, width)
    yield "wpe.weight", (config.n_positions, width)
    products = {
        "attn.c_attn": (width, 3 * width),
        "attn.c_proj": (width, width),
        "mlp.c_fc": (width, inner),
        "mlp.c_proj": (inner, width),
    }
    for layer in range(config.n_layer):
        for name, shape in products.items():
            yield f"h.{layer}.{name}.weight", shape
            yield f"h.{layer}.{name}.bias", shape[1:]
        for norm in ("ln_1", "ln_2"):
            yield f"h.{layer}.{norm}.weight", (width,)
            yield f"h.{layer}.{norm}.bias", (width,)
    yield "ln_f.weight", (width,)
    yield "ln_f.bias", (width,)
    yield "lm_head.weight", (config.vocab_size, width)


def read_json(path: Path) -> dict[str, Any]:
    """Return the settings in a JSON file.

    Raises:
        ModelFilesError: If the file is not JSON, or holds no settings.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelFilesError(
            f"{path.name} is not JSON.", found=f"{error}.", fix="Fetch the model again."
        ) from error
    if not isinstance(data, dict):
        raise ModelFilesError(
            f"{path.name} does not hold settings.",
            found=f"It holds a {type(data).__name__}.",
            fix="Fetch the model again.",
        )
    return data
