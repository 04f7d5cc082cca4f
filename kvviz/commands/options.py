"""Options that several commands have: which model, where and in which number format it runs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kvviz.translation import gettext as _

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

DEFAULT_MODEL = "kvviz/gpt2-mini"


def add_model(parser: argparse.ArgumentParser) -> None:
    """Let a command take `--model`."""
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        help=_("name or folder ({model})").format(model=DEFAULT_MODEL),
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """Let a command take `--device`."""
    parser.add_argument("--device", default="auto", help=_("auto, cuda, mps or cpu"))


def add_device_and_dtype(parser: argparse.ArgumentParser) -> None:
    """Let a command take `--device` and `--dtype`, float32 unless it is said."""
    add_device(parser)
    parser.add_argument(
        "--dtype", default="float32", help=_("float32, bfloat16, float16 or float64")
    )


def model_of(arguments: argparse.Namespace) -> LoadedModel:
    """Return the model that these options name.

    Raises:
        KvvizError: What `kvviz.load_model` raises.
    """
    from kvviz.engine import load_model

    return load_model(arguments.model, device=arguments.device, dtype=arguments.dtype)
