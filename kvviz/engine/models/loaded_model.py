"""A model that is ready to run, with its tokenizer."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int64
from transformers import PreTrainedModel

from kvviz.engine.models import chat_template
from kvviz.engine.models.context_errors import prompt_too_long, run_too_long, too_many_new
from kvviz.engine.models.device_memory import free_bytes
from kvviz.engine.models.devices import (
    checked_device,
    checked_dtype,
    dtype_name,
    first_line,
    has_failed,
    is_out_of_memory,
)
from kvviz.engine.models.families import CheckpointFamily
from kvviz.engine.models.number_format import FormatTrial
from kvviz.engine.models.threads import MANY_PRODUCTS
from kvviz.engine.models.token_text import TokenTexts
from kvviz.engine.models.tokenizing import read_text
from kvviz.errors import ModelFilesError, OutOfMemoryError, PromptError
from kvviz.published.catalogue import megabytes
from kvviz.trace import Conversation, ModelCard
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

_AROUND_A_TEXT = ("cls", "sep", "pad", "bos", "eos")


@dataclass(frozen=True, eq=False)
class TokenizedText:
    """The tokens of a text and where they come from.

    Attributes:
        text: The text.
        token_ids: Its tokens.
        spans: First character and end of each token, (-1, -1) for one that stands for no text.
        special: Which tokens were added around the text.
    """

    text: str
    token_ids: list[int]
    spans: Int64[np.ndarray, "position 2"]
    special: Bool[np.ndarray, " position"]


@dataclass(frozen=True, eq=False, repr=False)
class LoadedModel:
    """A model and its tokenizer, read only: no call changes either, so threads may share it.

    Attributes:
        card: Its shape, size and origin.
        family: What the engine knows of its kind.
        module: The torch module, in evaluation mode, with kvviz's attention.
        stop_ids: Tokens that end a text.
        n_threads: CPU threads that a step of one row is fastest with on this machine.
        step_s: Seconds that such a step took when that was tried; infinite where it was not.
        most_threads: CPU threads that it may take for a pass over many rows.
        start_id: The token that the decoder of a T5 starts from; None in the other families.
        left_out: Heads for other tasks that its checkpoint holds and that were not loaded, by the
            names they have there.
        first_ids: Tokens that every prompt begins with, which its tokenizer puts there.
        format_trial: What its number format was chosen by, where it was measured; else None.
    """

    card: ModelCard
    family: CheckpointFamily
    module: PreTrainedModel
    stop_ids: frozenset[int]
    n_threads: int
    step_s: float
    most_threads: int
    start_id: int | None
    left_out: tuple[str, ...]
    first_ids: tuple[int, ...]
    _tokenizer: Any
    _texts: TokenTexts
    format_trial: FormatTrial | None = None

    def __repr__(self) -> str:
        return f"<LoadedModel {self.card.name}: {self.card.dtype} on {self.card.device}>"

    @property
    def is_lost(self) -> bool:
        """Whether the device that holds its weights has failed."""
        return has_failed(self.card.device)

    def threads_for(self, n_rows: int) -> int:
        """Return how many CPU threads a pass over so many rows is worth."""
        many = n_rows * self.card.n_params >= MANY_PRODUCTS
        return self.most_threads if many else self.n_threads

    @cached_property  # a module looks through its tree for it, and every step asks
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.module.device

    @cached_property
    def dtype(self) -> torch.dtype:
        """Number format of the weights and the cache."""
        return self.module.dtype

    def tokenize(self, text: str) -> list[int]:
        """Return the token ids of a text, with nothing added.

        Raises:
            PromptError: If the text is no text, or holds half of a surrogate pair.
            ModelFilesError: If the tokenizer gives an id that the model does not have.
        """
        self._check_text(text)
        ids = read_text(self._tokenizer, text, add_special_tokens=False)["input_ids"]
        self._check_ids(ids)
        return ids

    def tokenize_whole(self, text: str) -> TokenizedText:
        """Return the tokens of a text as an encoder reads it, [CLS] and [SEP] or </s> included.

        To a GPT-2 nothing is added.

        Raises:
            PromptError: If the text is empty, blank, no text, or holds half of a surrogate pair.
            ModelFilesError: If the tokenizer gives an id that the model does not have.
        """
        self._check_text(text)
        if not text.strip():
            raise PromptError(
                _("The text has nothing but white space.") if text else _("The text is empty."),
                fix=_("Type a few words for the model to read."),
            )
        read = read_text(
            self._tokenizer,
            text,
            add_special_tokens=self.family.adds_ends,
            return_offsets_mapping=self._tokenizer.is_fast,
            return_special_tokens_mask=True,
        )
        ids = list(read["input_ids"])
        if not ids:
            raise self._nothing_known()
        self._check_ids(ids)
        special = np.array(read["special_tokens_mask"], dtype=np.bool_)
        # A tokenizer of the slow kind knows no places.
        places = read.get("offset_mapping", [(-1, -1)] * len(ids))
        spans = np.array(places, dtype=np.int64).reshape(-1, 2)
        spans[special] = -1
        return TokenizedText(text, ids, spans, special)

    def given_tokens(self, token_ids: Sequence[int]) -> TokenizedText:
        """Return token ids as they are given, with their tokens as the text.

        Raises:
            PromptError: If there are none, or one is no whole number of the vocabulary.
        """
        if isinstance(token_ids, bytes) or not isinstance(token_ids, Iterable):
            raise PromptError(
                _("What is read is a text, or a list of token ids."),
                found=_("It is of type {type}.").format(type=type(token_ids).__name__),
            )
        ids = [int(i) if isinstance(i, (int, np.integer)) else i for i in token_ids]
        wrong = [i for i in ids if not isinstance(i, int) or not 0 <= i < self.card.d_vocab]
        if not ids or wrong:
            raise PromptError(
                _("Token ids are whole numbers of the vocabulary, at least one of them."),
                found=_("Found {found!r}; {model} knows 0 to {last:,}.").format(
                    found=wrong[0], model=self.card.name, last=self.card.d_vocab - 1
                )
                if ids
                else _("There are none."),
            )
        around = [getattr(self._tokenizer, f"{name}_token_id", None) for name in _AROUND_A_TEXT]
        special = np.isin(ids, [-1 if token_id is None else token_id for token_id in around])
        texts = [self.token_text(i) for i in ids]
        ends = np.cumsum([len(text) for text in texts])
        spans = np.stack([ends - [len(text) for text in texts], ends], axis=1).astype(np.int64)
        spans[special] = -1
        return TokenizedText("".join(texts), ids, spans, special)

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        """The tokens that its tokenizer knows, with their ids."""
        return dict(self._tokenizer.get_vocab())

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """The tokens that stand for no text, such as those that begin and end a turn."""
        added = getattr(self._tokenizer, "added_tokens_decoder", {})
        special = {index for index, token in added.items() if token.special}
        return frozenset({*special, *self._tokenizer.all_special_ids})

    @property
    def has_chat_template(self) -> bool:
        """Whether it can be asked with a conversation."""
        is_decoder = self.family.architecture == "decoder"
        return is_decoder and chat_template.has_template(self._tokenizer)

    def chat_text(self, conversation: Conversation) -> str:
        """Return a conversation as the model's chat template writes it, ready to go on from.

        Raises:
            PromptError: If the model has no template, or it fails.
        """
        tokenizer = self._tokenizer if self.has_chat_template else None
        return chat_template.written(tokenizer, conversation, self.card.name)

    @property
    def mask_id(self) -> int | None:
        """The token that hides another, or None if the tokenizer has none."""
        return getattr(self._tokenizer, "mask_token_id", None)

    @property
    def pad_id(self) -> int:
        """The token that fills rows nobody looks at; token 0 if the model knows none."""
        token_id = getattr(self._tokenizer, "pad_token_id", None) or 0
        return token_id if token_id < self.card.d_vocab else 0

    def begun_ids(self, prompt: str | Conversation) -> list[int]:
        """Return the tokens that a run of a decoder begins with.

        Those that its tokenizer puts before every text are among them; the template of a
        conversation writes its own.

        Raises:
            PromptError: As for `tokenize` and `chat_text`.
        """
        if isinstance(prompt, Conversation):
            return self.tokenize(self.chat_text(prompt))
        return [*self.first_ids, *self.tokenize(prompt)]

    def count_tokens(self, prompt: str | Conversation) -> int:
        """Return how many tokens a prompt takes, those that every prompt begins with among them.

        Raises:
            PromptError: As for `begun_ids`.
        """
        return len(self.begun_ids(prompt))

    def token_text(self, token_id: int) -> str:
        """Return a token as the tokenizer shows it, bytes that are no character as ``‹E2 80›``."""
        return self._texts.text(token_id)

    def text_of(self, token_ids: Iterable[int], *, goes_on: bool = False) -> str:
        """Return the text of several tokens; halves of a character that meet become one.

        Args:
            token_ids: The tokens.
            goes_on: Whether they go on from a text before them, with the space between where the
                tokens call for one.
        """
        return self._texts.joined(token_ids, goes_on=goes_on)

    def prompt_ids(self, prompt: str, max_new_tokens: int, *, is_chat: bool = False) -> list[int]:
        """Return the token ids of a prompt that leaves room for this many new tokens.

        It begins with the tokens that the model's tokenizer puts before every text. Those of a T5
        are what its encoder reads; the room is then the decoder's.

        Args:
            prompt: The text.
            max_new_tokens: The room.
            is_chat: Whether a chat template wrote it, first tokens and all.

        Raises:
            PromptError: If the prompt is empty, blank, or no text.
            ContextLengthError: If prompt and new tokens do not fit into the model's positions.
        """
        if self.family.architecture == "encoder-decoder":
            return self._encoder_ids(prompt, max_new_tokens)
        ids = self.tokenize(prompt)
        if not prompt.strip():
            raise PromptError(
                _("The prompt has nothing but white space.")
                if prompt
                else _("The prompt is empty."),
                fix=_("Type a few words for the model to go on from."),
            )
        if not ids:
            raise self._nothing_known()
        ids = ids if is_chat else [*self.first_ids, *ids]
        if max_new_tokens > self.card.n_ctx - len(ids):
            raise run_too_long(self.card, len(ids), max_new_tokens)
        return ids

    def _encoder_ids(self, prompt: str, max_new_tokens: int) -> list[int]:
        ids, n_ctx = self.tokenize_whole(prompt).token_ids, self.card.n_ctx
        if len(ids) > n_ctx:
            raise prompt_too_long(self.card, len(ids))
        # The decoder starts from one token.
        if max_new_tokens > n_ctx - 1:
            raise too_many_new(self.card, max_new_tokens, n_ctx - 1)
        return ids

    def as_dtype(self, dtype: str) -> LoadedModel:
        """Return a copy with these very weights in another number format.

        The differences between a run in float32 and one in float64 tell rounding from error.

        Args:
            dtype: float32, bfloat16, float16 or float64.

        Raises:
            DeviceError: If the dtype is unknown, or the device lacks it.
            OutOfMemoryError: If the copy does not fit into memory.
        """
        torch_dtype = checked_dtype(dtype)
        checked_device(str(self.device), torch_dtype)
        needed, free = self.card.n_params * torch_dtype.itemsize, free_bytes(self.device)

        def too_large(found: str) -> OutOfMemoryError:
            return OutOfMemoryError(
                _("{model} in {dtype} does not fit into the memory of {device}.").format(
                    model=self.card.name, dtype=dtype, device=self.device
                ),
                found=found,
                fix=_("Close what else takes memory, or try a smaller model."),
            )

        if free is not None and needed > free:
            raise too_large(
                _("It takes {size}, and {free} are free.").format(
                    size=megabytes(needed), free=megabytes(free)
                )
            )
        try:
            module = copy.deepcopy(self.module)
            torch.nn.Module.to(module, torch_dtype)
        except (RuntimeError, MemoryError) as error:
            if is_out_of_memory(error):
                raise too_large(first_line(error)) from None
            raise
        if torch_dtype == torch.float16:
            # A few products of a T5 leave the range of float16: transformers loads them so too.
            wide = getattr(module, "_keep_in_fp32_modules", None) or ()
            for name, part in module.named_modules():
                if name.rpartition(".")[2] in wide:
                    torch.nn.Module.to(part, torch.float32)
        return replace(
            self,
            card=replace(self.card, dtype=dtype_name(torch_dtype)),
            module=module,
            format_trial=None,
        )

    def _nothing_known(self) -> PromptError:
        return PromptError(
            _("The tokenizer of {model} has no token for any of this text.").format(
                model=self.card.name
            ),
            fix=_("Type a text in a script that the model was made for, or load another model."),
        )

    def _check_text(self, text: object) -> None:
        if not isinstance(text, str):
            raise PromptError(
                _("A prompt is text."),
                found=_("It is of type {type}.").format(type=type(text).__name__),
            )
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise PromptError(
                _("The prompt holds half of a character."),
                found=_("Character {number} is the lone surrogate U+{code:04X}.").format(
                    number=error.start + 1, code=ord(text[error.start])
                ),
                fix=_("Type or paste that character again."),
            ) from None

    def _check_ids(self, ids: list[int]) -> None:
        if ids and max(ids) >= self.card.d_vocab:
            raise ModelFilesError(
                _("The tokenizer and the model do not belong together."),
                found=ngettext(
                    "The tokenizer gives id {id:,}, the model knows {n:,} token.",
                    "The tokenizer gives id {id:,}, the model knows {n:,} tokens.",
                    self.card.d_vocab,
                ).format(id=max(ids), n=self.card.d_vocab),
                fix=_("Leave out what the model cannot know, or load another model."),
            )
