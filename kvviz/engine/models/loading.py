"""From a name to a model that is ready to run."""

from __future__ import annotations

import hashlib
import logging
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from transformers import AutoTokenizer, PreTrainedModel
from transformers.activations import ACT2FN
from transformers.utils import logging as transformers_logging

from kvviz.engine.models.device_memory import free_bytes
from kvviz.engine.models.devices import (
    checked_device,
    checked_dtype,
    device_failure,
    dtype_name,
    first_line,
    is_device_failure,
    is_out_of_memory,
    release_memory,
)
from kvviz.engine.models.families import FAMILIES, CheckpointFamily, Shape
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.models.loaded_module import let_go_of_files, lighten
from kvviz.engine.models.model_files import (
    bad_config,
    check_fit,
    check_sizes,
    has_tokenizer,
    other_head,
    read_config,
    read_json,
    read_tensors,
    weight_files,
)
from kvviz.engine.models.model_source import ModelSource, locate
from kvviz.engine.models.number_format import AUTO, FormatTrial, format_trial
from kvviz.engine.models.threads import BestThreads, best_thread_count, wanted_thread_count
from kvviz.engine.models.token_text import TokenTexts
from kvviz.engine.models.tokenizing import read_text, unreadable
from kvviz.engine.observing.attention import ATTENTION_NAME
from kvviz.errors import DeviceError, ModelFilesError, OutOfMemoryError
from kvviz.published.catalogue import megabytes
from kvviz.trace import ModelCard
from kvviz.translation import gettext as _

_one_at_a_time = Lock()
_log = logging.getLogger(__name__)


def load_model(
    name: str | os.PathLike[str], *, device: str = "auto", dtype: str = "float32"
) -> LoadedModel:
    """Load a model of a family that kvviz runs, and its tokenizer.

    Weights come from safetensors files only, and no code that a model brings along is ever run.

    Args:
        name: A bundled name such as ``kvviz/gpt2-mini``, a folder, or a name on the hub.
        device: ``auto`` (what ``KVVIZ_DEVICE`` says, else cuda, mps or cpu), or one of these.
        dtype: Number format of weights and cache: float32, bfloat16, float16 or float64. ``auto``
            is float32, but for a published model that was added: of that bfloat16 where the device
            has units for it and is faster with them, which is measured once.

    Raises:
        ModelNotFoundError: If nothing answers to the name.
        ModelFamilyError: If the model is of no family that kvviz runs.
        ModelFilesError: If its files are missing, damaged, or do not fit each other.
        NetworkError: If it would have to be fetched and the hub cannot be reached.
        DeviceError: If device or dtype are unknown or not there.
        OutOfMemoryError: If the weights do not fit into memory.
        OptionsError: If ``KVVIZ_THREADS`` is set to nonsense.
    """
    torch_dtype = checked_dtype("float32" if dtype == AUTO else dtype)
    torch_device = checked_device(device, torch_dtype)
    source = locate(name)
    is_measured = dtype == AUTO and source.kind == "added"
    with _one_at_a_time, _quiet():
        failure: OutOfMemoryError | DeviceError
        try:
            return _load(source, torch_device, None if is_measured else torch_dtype)
        except (RuntimeError, MemoryError) as error:
            if is_out_of_memory(error):
                failure = _too_large(source.name, torch_device, first_line(error))
            elif is_device_failure(error):
                failure = device_failure(str(torch_device), error)
            else:
                raise
    release_memory(torch_device)
    raise failure


def _too_large(name: str, device: torch.device, found: str) -> OutOfMemoryError:
    return OutOfMemoryError(
        _("The weights of {model} do not fit into the memory of {device}.").format(
            model=name, device=device
        ),
        found=found,
        fix=_("Load a smaller model, or this one in bfloat16."),
    )


def _load(source: ModelSource, device: torch.device, dtype: torch.dtype | None) -> LoadedModel:
    """Load a model in a number format, or in what is faster if None."""
    settings = read_config(source.folder)
    family = FAMILIES[settings["model_type"]]
    config = _build_config(settings, family)
    files = weight_files(source.folder)
    found, left_out = read_tensors(files, family)
    check_fit(found, config, family, settings)
    facts = family.card_facts(config, found)
    trial: FormatTrial | None = None
    if dtype is None:
        trial = format_trial(device, facts["d_model"], facts["d_mlp"])
        dtype = checked_dtype(trial.dtype)
        _log.info("%s: %s", source.name, trial.told)
    _check_room(source.name, found, device, dtype)
    generation = _generation_settings(source.folder, config, settings)
    stop_ids = _stop_ids(generation, family)
    tokenizer = _load_tokenizer(source.folder, config)
    module = _load_module(source.folder, config, family, found, device, dtype)
    card = ModelCard(
        name=source.name,
        family=family.name,
        **facts,
        n_ctx=family.n_ctx(config, tokenizer),
        d_vocab=config.vocab_size,
        n_params=sum(parameter.numel() for parameter in module.parameters()),
        dtype=dtype_name(dtype),
        device=str(device),
        source=source.kind,
        revision=_revision(files),
    )
    if left_out:
        _log.info(
            "%s is loaded without heads for other tasks: %s", source.name, ", ".join(left_out)
        )
    threads = _try_out(module, card, family)
    return LoadedModel(
        card=card,
        family=family,
        module=module,
        stop_ids=stop_ids,
        n_threads=threads.count,
        step_s=threads.seconds,
        most_threads=wanted_thread_count() or torch.get_num_threads(),
        start_id=_start_id(generation, settings, config, family),
        left_out=left_out,
        first_ids=_first_ids(tokenizer, family),
        _tokenizer=tokenizer,
        _texts=TokenTexts(tokenizer),
        format_trial=trial,
    )


def _check_room(
    name: str, found: Mapping[str, Shape], device: torch.device, dtype: torch.dtype
) -> None:
    """Refuse weights that cannot fit, before memory is filled with them.

    Raises:
        OutOfMemoryError: With the arithmetic.
    """
    n_numbers = sum(math.prod(shape) for shape in found.values())
    n_bytes, free = n_numbers * dtype.itemsize, free_bytes(device)
    if free is None or n_bytes <= free:
        return
    raise _too_large(
        name,
        device,
        _("{n:,} numbers of {width} bytes each are {size}, and {free} are free.").format(
            n=n_numbers, width=dtype.itemsize, size=megabytes(n_bytes), free=megabytes(free)
        ),
    )


def _build_config(settings: dict[str, Any], family: CheckpointFamily) -> Any:
    """Build a config from the settings that shape a model of the family.

    All others are left where they are: many change what transformers does, and one such as
    ``num_labels`` can take all memory before anything is checked.
    """
    config_class: Any = family.config_class
    names = {**{name: name for name in family.settings}, **config_class.attribute_map}
    shaping = {names[name]: value for name, value in settings.items() if name in names}
    try:
        config = config_class(**shaping)
    except Exception as error:  # the validation of transformers raises errors of many types
        words = " ".join(str(error).split())[:200].rstrip(".")
        raise bad_config(_("transformers says: {words}.").format(words=words), family) from error
    check_sizes(config, family)
    activation = getattr(config, family.activation)
    if activation not in ACT2FN:
        raise bad_config(
            _("The activation function {name!r} is unknown.").format(name=activation), family
        )
    return config


def _load_tokenizer(folder: Path, config: Any) -> Any:
    if not has_tokenizer(folder):
        raise ModelFilesError(
            _("{folder} has no tokenizer.").format(folder=folder),
            found=_("There is no tokenizer.json, vocab.json, vocab.txt or *.model."),
            fix=_("Put the tokenizer's files beside the weights."),
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, config=config, local_files_only=True, trust_remote_code=False
        )
        # The first call sets how long texts are cut; later ones, from any thread, only read.
        tokenizer("a", add_special_tokens=False)
        return tokenizer
    except (MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # tokenizers raise bare Exception, or panic, which is none
        raise unreadable(error) from error


def _load_module(
    folder: Path,
    config: Any,
    family: CheckpointFamily,
    found: Mapping[str, Shape],
    device: torch.device,
    dtype: torch.dtype,
) -> PreTrainedModel:
    module_class, arguments = family.module_class(found)
    loaded: Any = module_class.from_pretrained(
        folder,
        config=config,
        dtype=dtype,
        attn_implementation=ATTENTION_NAME,
        local_files_only=True,
        use_safetensors=True,
        output_loading_info=True,
        **arguments,
    )
    module, report = loaded
    problems = [str(name) for kind in report.values() for name in kind]
    plain = {name: family.plain_name(name) for name in problems}
    if unfit := [name for name in plain if plain[name] and not other_head(plain[name], family)]:
        raise ModelFilesError(
            _("The weights do not fit config.json."),
            found=_("transformers could not place {tensor}.").format(tensor=unfit[0]),
            fix=_("Put the config and the weights of the same model together."),
        )
    for name, parameter in module.named_parameters():
        # Either end of its numbers is not finite where one of them is not: a tenth of the time.
        if not all(bool(end.isfinite()) for end in parameter.aminmax()):
            raise ModelFilesError(
                _("The weights hold values that are no finite {dtype} numbers.").format(
                    dtype=dtype_name(dtype)
                ),
                found=_("Some of {tensor} are not.").format(tensor=name),
                fix=_("Load it with dtype float32; if that does not help, fetch the model again."),
            )
    let_go_of_files(module)
    lighten(module)
    module.eval().requires_grad_(False).to(device)
    family.watch(module)
    return module


def _generation_settings(folder: Path, config: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what says how the model generates: the generation config, else its config."""
    path = folder / "generation_config.json"
    if path.is_file():
        return read_json(path)
    return {**settings, "eos_token_id": config.eos_token_id}


def _stop_ids(generation: dict[str, Any], family: CheckpointFamily) -> frozenset[int]:
    """Return the tokens that end a text."""
    if family.architecture == "encoder":
        return frozenset()
    ids = generation.get("eos_token_id")
    listed = ids if isinstance(ids, list) else [] if ids is None else [ids]
    if not all(type(token_id) is int for token_id in listed):
        raise bad_config(_not_a_token("eos_token_id", ids), family)
    return frozenset(listed)


def _not_a_token(setting: str, found: object) -> str:
    return _("{setting} is {found!r}, not a token id.").format(setting=setting, found=found)


def _start_id(
    generation: dict[str, Any], settings: dict[str, Any], config: Any, family: CheckpointFamily
) -> int | None:
    """Return the token that the decoder of a T5 starts from, its padding if nothing is said.

    What the generation config says comes first, and there its first token of a text stands in for
    the decoder's, as in `generate`.
    """
    if family.architecture != "encoder-decoder":
        return None
    said = (
        generation.get("decoder_start_token_id"),
        generation.get("bos_token_id"),
        settings.get("decoder_start_token_id"),
        config.pad_token_id,
    )
    start = next((token_id for token_id in said if token_id is not None), None)
    if type(start) is not int or not 0 <= start < config.vocab_size:
        raise bad_config(_not_a_token("decoder_start_token_id", start), family)
    return start


def _first_ids(tokenizer: Any, family: CheckpointFamily) -> tuple[int, ...]:
    """Return the tokens that a tokenizer puts before every text that a decoder goes on from."""
    if family.architecture != "decoder" or not family.adds_ends:
        return ()
    read = read_text(tokenizer, "a", return_special_tokens_mask=True)
    # A tokenizer may know no token for that letter, and says nothing then.
    n_first = next((place for place, one in enumerate(read["special_tokens_mask"]) if not one), 0)
    return tuple(read["input_ids"][:n_first])


def _try_out(module: PreTrainedModel, card: ModelCard, family: CheckpointFamily) -> BestThreads:
    """Run the model once and return the number of CPU threads it is fastest with.

    Raises:
        DeviceError: If the device cannot compute with the dtype.
    """
    token = torch.zeros((1, 1), dtype=torch.int64, device=module.device)
    inputs = family.trial_inputs(token)

    @torch.inference_mode()
    def step() -> None:
        module(**inputs)

    try:
        step()
    except (RuntimeError, NotImplementedError) as error:
        if is_out_of_memory(error) or is_device_failure(error):
            raise
        raise DeviceError(
            _("{device} cannot compute with {dtype}.").format(device=card.device, dtype=card.dtype),
            found=first_line(error),
            fix=_("Load the model with dtype float32."),
        ) from error
    if module.device.type != "cpu":
        return BestThreads(torch.get_num_threads())
    return best_thread_count(step)


def _revision(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as data:
            while block := data.read(1 << 20):
                digest.update(block)
    return f"sha256:{digest.hexdigest()[:16]}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' progress bar and warnings off the console.

    Whatever they say about a model is raised as an error here.
    """
    verbosity = transformers_logging.get_verbosity()
    had_bar = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if had_bar:
            transformers_logging.enable_progress_bar()
