"""The files of a model, checked before torch sees them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open

from kvviz.engine.models.families import FAMILIES, NOT_YET, CheckpointFamily, Shape
from kvviz.engine.models.families.family import too_small
from kvviz.engine.models.families.gemma3 import text_settings
from kvviz.errors import ModelFamilyError, ModelFilesError
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _

_SINGLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_OTHER_WEIGHTS = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack", "*.gguf", "*.onnx")
_TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "vocab.txt", "*.model")
_FLOATS = ("F64", "F32", "F16", "BF16")
_COMPLETE = N_("Give a folder with config.json, model.safetensors and the tokenizer's files.")


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
        raise ModelFilesError(
            _("{folder} has no config.json.").format(folder=folder), fix=_(_COMPLETE)
        )
    config = text_settings(read_json(path))
    found = str(config.get("model_type"))
    family = FAMILIES.get(found)
    if family is None:
        what = _("kvviz cannot run this kind of model.")
        if found in NOT_YET:
            what = _("kvviz cannot run a {family} yet.").format(family=NOT_YET[found])
        raise ModelFamilyError(
            what,
            found=_("config.json says model_type {found!r}.").format(
                found=config.get("model_type")
            ),
            fix=_("Load one of these: {families}.").format(
                families=", ".join(one.title for one in FAMILIES.values())
            ),
        )
    if refusal := family.refusal(config):
        raise ModelFamilyError(
            _("This is a {family} that was built into another kind of model.").format(
                family=family.title
            ),
            found=refusal,
            fix=_("Load a plain {family}.").format(family=family.title),
        )
    if config.get("quantization_config"):
        raise ModelFamilyError(
            _("kvviz cannot run quantised weights."),
            fix=_("Load the model in its original precision."),
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
            raise bad_config(too_small(name, getattr(config, name), 1), family)
    if found := family.check(config):
        raise bad_config(found, family)


def bad_config(found: str, family: CheckpointFamily) -> ModelFilesError:
    """Return the error of a config that no model can be built from; `found` is a sentence."""
    return ModelFilesError(
        _("The model's settings do not describe a {family} that can be built.").format(
            family=family.title
        ),
        found=found,
        fix=_("Fetch the model again."),
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
                _("{file} does not say where the weights are.").format(file=_INDEX),
                fix=_("Fetch the model again."),
            )
        files = [folder / part for part in sorted(set(parts.values()))]
        if missing := [file.name for file in files if not file.is_file()]:
            raise ModelFilesError(
                _("{folder} lacks a part of the weights.").format(folder=folder),
                found=_("{file} names {part}, which is not there.").format(
                    file=_INDEX, part=missing[0]
                ),
                fix=_("Fetch the model again."),
            )
        return files
    others = sorted(path.name for pattern in _OTHER_WEIGHTS for path in folder.glob(pattern))
    if others:
        raise ModelFilesError(
            _("kvviz loads weights from safetensors files only."),
            found=_(
                "{folder} holds {file}, a format that can run code or that it cannot read."
            ).format(folder=folder, file=others[0]),
            fix=_("Convert it to model.safetensors with save_pretrained of transformers."),
        )
    raise ModelFilesError(_("{folder} has no weights.").format(folder=folder), fix=_(_COMPLETE))


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
                            _("The weights are not floating-point numbers."),
                            found=_("{tensor} in {file} holds {dtype}.").format(
                                tensor=name, file=file.name, dtype=part.get_dtype()
                            ),
                            fix=_("Load the model in its original precision."),
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
    what = _("{file} is damaged or cut short.").format(file=file.name)
    if is_pointer:
        return ModelFilesError(
            what,
            found=_("It is a Git LFS pointer, not the weights."),
            fix=_("Run `git lfs pull`."),
        )
    n_bytes = file.stat().st_size
    return ModelFilesError(
        what,
        found=ngettext(
            "It has {n:,} byte; {error}.", "It has {n:,} bytes; {error}.", n_bytes
        ).format(n=n_bytes, error=error),
        fix=_("Fetch the model again."),
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
            raise _misfit(
                ngettext(
                    "The weights have {n} layer, the config says {count}.",
                    "The weights have {n} layers, the config says {count}.",
                    len(layers),
                ).format(n=len(layers), count=count)
            )
    expected = dict(family.expected(config, found, settings))
    if missing := sorted(expected.keys() - found.keys()):
        raise _misfit(
            ngettext(
                "{n} tensor is missing: {first}.",
                "{n} tensors are missing, among them {first}.",
                len(missing),
            ).format(n=len(missing), first=missing[0])
        )
    if unexpected := sorted(found.keys() - expected.keys()):
        raise _misfit(
            ngettext(
                "{n} tensor belongs to no {family}: {first}.",
                "{n} tensors belong to no {family}, among them {first}.",
                len(unexpected),
            ).format(n=len(unexpected), family=family.title, first=unexpected[0])
        )
    for name, shape in expected.items():
        if found[name] != shape:
            raise _misfit(
                _("{tensor} has the shape {found}, the config calls for {shape}.").format(
                    tensor=name, found=found[name], shape=shape
                )
            )


def _misfit(found: str) -> ModelFilesError:
    return ModelFilesError(
        _("The weights do not fit config.json."),
        found=found,
        fix=_("Put the config and the weights of the same model together."),
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
            _("{file} is not JSON.").format(file=path.name),
            found=f"{error}.",
            fix=_("Fetch the model again."),
        ) from error
    if not isinstance(data, dict):
        raise ModelFilesError(
            _("{file} does not hold settings.").format(file=path.name),
            found=_("It holds a {type}.").format(type=type(data).__name__),
            fix=_("Fetch the model again."),
        )
    return data
