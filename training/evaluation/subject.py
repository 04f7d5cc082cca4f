"""The model under test: loaded from the files that ship, and the texts it is tested on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt16
from tokenizers import Tokenizer
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
)

from training.corpus import HELDOUT_FILE, read_corpus
from training.errors import CheckpointError
from training.evaluation.heldout import HeldoutText
from training.models import IDS
from training.packing import pack, upsample
from training.tokenizer import END_OF_TEXT

_LOADERS = {
    "gpt2": AutoModelForCausalLM,
    "llama": AutoModelForCausalLM,
    "bert": AutoModelForMaskedLM,
    "t5": AutoModelForSeq2SeqLM,
}


@dataclass(frozen=True)
class Subject:
    """A model and its tokenizer.

    Attributes:
        folder: Where it lies.
        family: "gpt2", "llama", "bert" or "t5".
        model: In float32, for evaluation, with attention weights to be had.
        tokenizer: Its tokenizer.
    """

    folder: Path
    family: str
    model: Any
    tokenizer: Tokenizer

    @property
    def start(self) -> int | None:
        """The token that every row of a Llama begins with; None of the others."""
        return IDS[END_OF_TEXT] if self.family == "llama" else None

    @classmethod
    def load(cls, folder: Path) -> Subject:
        """Loads a model folder as transformers does it, without a network.

        Raises:
            CheckpointError: The folder holds no model, or one of another family.
        """
        if not (folder / "config.json").exists():
            raise CheckpointError(
                "There is no model in the folder.",
                found=f"{folder} has no config.json.",
                fix="Give a folder that `python -m training export` has written.",
            )
        family = AutoConfig.from_pretrained(folder, local_files_only=True).model_type
        if family not in _LOADERS:
            raise CheckpointError(
                "The model is of a family that is not measured here.",
                found=f"{folder} holds a {family}.",
                fix=f"Give one of: {', '.join(_LOADERS)}.",
            )
        model = _LOADERS[family].from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager", local_files_only=True
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return cls(folder, family, model.eval(), tokenizer.backend_tokenizer)


@dataclass(frozen=True)
class Texts:
    """Held-out and training text in the tokens of one tokenizer.

    Attributes:
        folder: The corpus folder.
        tokenizer: Makes the tokens.
    """

    folder: Path
    tokenizer: Tokenizer

    @cached_property
    def heldout(self) -> HeldoutText:
        """The text that is scored."""
        return HeldoutText.of(read_corpus(self.folder, (HELDOUT_FILE,)).documents, self.tokenizer)

    @cached_property
    def training(self) -> UInt16[np.ndarray, " n"]:
        """The tokens that the baselines count: what the model was trained on, copies included."""
        return pack(upsample(read_corpus(self.folder).documents), self.tokenizer, seed=0)
