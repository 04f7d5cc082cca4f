"""The files of a model, checked before torch sees them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open

from kvviz.engine.models.families import FAMILIES, CheckpointFamily, Shape
from kvviz.errors import ModelFamilyError, ModelFilesError

_SINGLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_OTHER_WEIGHTS = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack", "*.gguf", "*.onnx")
_TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "vocab.txt", "*.model")
_FLOATS = ("F64", "F32", "F16", "BF16")
_COMPLETE = "Give a folder with config.json, model.safetensors and the tokenizer's files."


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
    """Return the settings in a folder's config.json, which are those of a family kvviz runs.

    Raises:
        ModelFilesError: If the file is missing, is not JSON, or holds settings that cannot be.
        ModelFamilyError: If they describe another kind of model.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise ModelFilesError(f"{folder} has no config.json.", fix=_COMPLETE)
    config = read_json(path)
    family = FAMILIES.get(str(config.get("model_type")))
    if family is None:
        raise ModelFamilyError(
            "kvviz cannot run this kind of model.",
            found=f"config.json says model_type {config.get('model_type')!r}.",
            fix="Load a GPT-2, a BERT or a T5.",
        )
    if refusal := family.refusal(config):
        raise ModelFamilyError(
            f"This is a {family.title} that was built into another kind of model.",
            found=f"{refusal[0].upper()}{refusal[1:]}.",
            fix=f"Load a plain {family.title}.",
        )
    if config.get("quantization_config"):
        raise ModelFamilyError(
            "kvviz cannot run quantised weights.", fix="Load the model in its original precision."
        )
    return config


def check_sizes(config: Any, family: CheckpointFamily) -> None:
    """Hold the sizes in a config to what a model can be built with.

    Args:
        config: The model's config, of the family's class.
        family: The model's family.

    Raises:
        ModelFilesError: If one is not positive, or they do not fit each other.
    """
    for name in family.sizes:
        if getattr(config, name) < 1:
            raise bad_config(f"{name} is {getattr(config, name)}, and must be at least 1", family)
    if found := family.check(config):
        raise bad_config(found, family)


def bad_config(found: str, family: CheckpointFamily) -> ModelFilesError:
    """Return the error of a config that no model can be built from."""
    return ModelFilesError(
        f"The model's settings do not describe a {family.title} that can be built.",
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


class Tensors(NamedTuple):
    """What the headers of a checkpoint's files name.

    Attributes:
        shapes: Plain name and shape of each tensor that is needed.
        left_out: Heads for other tasks, by the first part of their plain names.
    """

    shapes: dict[str, Shape]
    left_out: tuple[str, ...]


def read_tensors(files: list[Path], family: CheckpointFamily) -> Tensors:
    """Return what tensors a checkpoint has, from the headers of its files.

    Raises:
        ModelFilesError: If a file is damaged, or holds numbers that are not floating point.
    """
    shapes: dict[str, Shape] = {}
    left_out: set[str] = set()
    for file in files:
        try:
            with safe_open(file, framework="numpy") as tensors:
                for name in tensors.keys():  # noqa: SIM118, safe_open is no mapping
                    if not (plain := family.plain_name(name)):
                        continue
                    if head := other_head(plain, family):
                        left_out.add(head)
                        continue
                    part = tensors.get_slice(name)
                    shapes[plain] = tuple(part.get_shape())
                    if part.get_dtype() not in _FLOATS:
                        raise ModelFilesError(
                            "The weights are not floating-point numbers.",
                            found=f"{name} in {file.name} holds {part.get_dtype()}.",
                            fix="Load the model in its original precision.",
                        )
        except (SafetensorError, OSError) as error:
            raise _damaged(file, error) from error
    return Tensors(shapes, tuple(sorted(left_out)))


def other_head(plain: str, family: CheckpointFamily) -> str:
    """Return the head for another task that a tensor is part of, or ''."""
    return next((one.rstrip(".") for one in family.other_heads if plain.startswith(one)), "")


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


def check_fit(
    found: dict[str, Shape], config: Any, family: CheckpointFamily, settings: dict[str, Any]
) -> None:
    """Hold the tensors of a checkpoint to what its config calls for.

    Args:
        found: The shapes that `read_tensors` returned.
        config: The model's config, of the family's class.
        family: The model's family.
        settings: What config.json says.

    Raises:
        ModelFilesError: If a tensor is missing, is one too many, or has another shape.
    """
    for prefix, count in family.layer_counts(config).items():
        layers = {name[len(prefix) :].split(".")[0] for name in found if name.startswith(prefix)}
        if len(layers) != count:
            raise _misfit(f"The weights have {len(layers)} layers, the config says {count}")
    expected = dict(family.expected(config, found, settings))
    if missing := sorted(expected.keys() - found.keys()):
        raise _misfit(f"{len(missing)} tensors are missing, among them {missing[0]}")
    if unexpected := sorted(found.keys() - expected.keys()):
        raise _misfit(
            f"{len(unexpected)} tensors belong to no {family.title}, among them {unexpected[0]}"
        )
    for name, shape in expected.items():
        if found[name] != shape:
            raise _misfit(f"{name} has the shape {found[name]}, the config calls for {shape}")


def _misfit(found: str) -> ModelFilesError:
    return ModelFilesError(
        "The weights do not fit config.json.",
        found=f"{found}.",
        fix="Put the config and the weights of the same model together.",
    )


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
