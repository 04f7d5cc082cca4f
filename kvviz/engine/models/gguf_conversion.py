"""A GGUF file made into a folder that loads like any other: float16 safetensors and a tokenizer.

Reading one takes much memory and holds the interpreter for seconds, so `adding` lets a process of
its own do it: ``python -m kvviz.engine.models.gguf_conversion FILE FOLDER LANGUAGE``. It writes a
JSON object a line: ``{"done": 12, "of": 272}``, and at last the parts of an error if there is one.

transformers knows how tensors and settings are called in a GGUF, and in which order Llama's queries
and keys stand there. It is asked for the tensors, not for a model: that needs no accelerate, and a
model that came from a GGUF cannot be saved.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoTokenizer, modeling_gguf_pytorch_utils
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from kvviz.errors import KvvizError, ModelFamilyError, ModelFilesError
from kvviz.translation import gettext as _
from kvviz.translation import using

# not for people: names
ARCHITECTURES = {"llama": "Llama", "gemma3": "Gemma 3"}
"""What a GGUF may say that it is built like, and what people call it."""

_TRANSFORMERS: Any = modeling_gguf_pytorch_utils
_NO_SUCH_KIND = "GGMLQuantizationType"  # not for people: what the package says
_GREETING = [{"role": "user", "content": "Hello"}]  # not for people: a trial
_LARGEST_FLOAT16 = 65504.0


def convert(file: Path, folder: Path, told: Callable[[int, int], object]) -> None:
    """Write the model in a GGUF to a folder: weights, config, tokenizer and chat template.

    Args:
        file: The GGUF.
        folder: Where to; made if it is not there.
        told: Called with the tensors that are read, and how many there are.

    Raises:
        ModelFilesError: If the file is cut, is no GGUF, has numbers of an unknown kind, or a chat
            template that fails.
        ModelFamilyError: If it is of another architecture.
    """
    with _read_once():
        _check(file)
        try:
            facts = _TRANSFORMERS.load_gguf_checkpoint(str(file))
            settings = dict(facts["config"])
            config = AutoConfig.for_model(settings.pop("model_type"), **settings)
            weights = _tensors(file, config, told)
            tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
        except Exception as error:  # what reads a GGUF raises errors of many types
            raise _unreadable(error) from error
    check_template(tokenizer)
    folder.mkdir(parents=True, exist_ok=True)
    for name, tensor in weights.items():
        if not all(bool(end.isfinite()) for end in tensor.aminmax()):
            raise ModelFilesError(
                _("The weights do not fit into float16."),
                found=_("{tensor} has numbers beyond {most:,}.").format(
                    tensor=name, most=_LARGEST_FLOAT16
                ),
                fix=_("Take another GGUF."),
            )
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config.architectures = [_class_for(config).__name__]
    config.dtype = torch.float16
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@contextmanager
def _read_once() -> Generator[None]:
    """Let the head of a file be read once, and names be mapped once.

    A vocabulary is read token by token, some seconds of work, and transformers asks for it three
    times; how tensors are called it looks up anew for each part of a model.
    """
    gguf: Any = import_module("gguf")  # an extra, which not everybody has
    with ExitStack() as stack:
        for name in ("GGUFReader", "get_tensor_name_map"):  # not for people: names
            asked = getattr(gguf, name)
            stack.callback(setattr, gguf, name, asked)
            setattr(gguf, name, cache(asked))
        yield


def _check(file: Path) -> None:
    """Refuse a file before its tensors are read: what is not whole, or of a kind not read here."""
    gguf: Any = import_module("gguf")  # an extra, which not everybody has
    try:
        reader = gguf.GGUFReader(str(file))  # by the name that transformers has for it
    except Exception as error:  # an index, a shape, a number that is no type
        if _NO_SUCH_KIND in str(error):
            raise _unknown_kind(f"{error}.") from error
        raise _unreadable(error) from error
    field = reader.fields.get("general.architecture")
    architecture = None if field is None else field.contents()
    if architecture not in ARCHITECTURES:
        raise ModelFamilyError(
            _("kvviz cannot read a GGUF of this architecture."),
            found=_("It says {architecture!r}.").format(architecture=architecture),
            fix=_("It reads those of: {families}.").format(
                families=", ".join(ARCHITECTURES.values())
            ),
        )
    for kind in sorted({tensor.tensor_type for tensor in reader.tensors}):
        sample = next(one for one in reader.tensors if one.tensor_type == kind)
        try:
            gguf.dequantize(np.asarray(sample.data)[:1], kind)
        except Exception as error:  # NotImplementedError, or whatever a new kind brings along
            found = _("{tensor} is {kind}.").format(tensor=sample.name, kind=kind.name)
            raise _unknown_kind(found) from error


def _unknown_kind(found: str) -> ModelFilesError:
    return ModelFilesError(
        _("The numbers in this GGUF are of a kind that the package gguf cannot read."),
        found=found,
        fix=_("Take a GGUF in another number format, such as Q4_1 or Q8_0."),
    )


def _unreadable(error: Exception) -> ModelFilesError:
    words = " ".join(str(error).split())[:200].rstrip(".")
    return ModelFilesError(
        _("This GGUF is cut short, damaged, or none."),
        found=_("Reading it says: {words}.").format(words=words or type(error).__name__),
        fix=_("Fetch it again."),
    )


def _tensors(
    file: Path, config: Any, told: Callable[[int, int], object]
) -> dict[str, torch.Tensor]:
    """Return the weights in float16, named as in transformers."""

    def counted(tensors: Iterable[Any], **_unused: object) -> Iterator[Any]:
        listed = list(tensors)
        for done, tensor in enumerate(listed):
            told(done, len(listed))
            yield tensor
        told(len(listed), len(listed))

    with torch.device("meta"):  # names and shapes only
        module = _class_for(config)(config)
    # Its bar of progress is drawn on standard error; this process has a reader who wants numbers.
    drawn, _TRANSFORMERS.tqdm = _TRANSFORMERS.tqdm, counted
    try:
        found = _TRANSFORMERS.load_gguf_checkpoint(
            str(file), return_tensors=True, model_to_load=module, torch_dtype=torch.float16
        )
    finally:
        _TRANSFORMERS.tqdm = drawn
    return {name: tensor.contiguous() for name, tensor in found["tensors"].items()}


def _class_for(config: Any) -> Any:
    return MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]


def check_template(tokenizer: Any) -> None:
    """Refuse a tokenizer whose chat template cannot set one greeting.

    Raises:
        ModelFilesError: With what the template says.
    """
    if not getattr(tokenizer, "chat_template", None):
        return
    try:
        tokenizer.apply_chat_template(_GREETING, tokenize=False, add_generation_prompt=True)
    except Exception as error:  # a template is a program, and raises what it likes
        words = " ".join(str(error).split())[:200].rstrip(".")
        raise ModelFilesError(
            _("The model's chat template fails."),
            found=_("It says: {words}.").format(words=words or type(error).__name__),
            fix=_("Take another file of this model."),
        ) from error


def _say(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Convert what the arguments name."""
    file, folder, language = sys.argv[1:]
    with using(language):
        try:
            convert(Path(file), Path(folder), lambda done, of: _say(done=done, of=of))
        except KvvizError as error:
            _say(error=type(error).__name__, what=error.what, found=error.found, fix=error.fix)
        except OSError as error:
            _say(errno=error.errno or 0)


if __name__ == "__main__":
    main()
