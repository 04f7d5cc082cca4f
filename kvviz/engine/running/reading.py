"""What a pass over a given text needs: a model of the right kind, ids that fit, a mask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from operator import index
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from kvviz.engine.models.context_errors import ids_too_long
from kvviz.engine.models.families import FAMILIES
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.observing.observation import StepObservation
from kvviz.errors import (
    ModelFamilyError,
    OptionsError,
    PromptError,
    RunCancelledError,
)
from kvviz.trace import ModelCard
from kvviz.trace.encoding import Mask
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _

MaskChoice = Literal["model", "causal", "bidirectional"]
Progress = Callable[[int, int], object]
Cancel = Callable[[], bool]

FIX = N_("Shorten the text, or load a smaller model.")
"""What to do where memory runs out, to be translated where it is said."""


@dataclass(frozen=True)
class MaskedEnds:
    """The three tokens that a BERT puts around and into a text.

    Attributes:
        before: [CLS].
        after: [SEP].
        mask: [MASK].
    """

    before: int
    after: int
    mask: int

    @classmethod
    def of(cls, model: LoadedModel) -> MaskedEnds:
        """Read them off the model's tokenizer.

        Raises:
            ModelFamilyError: If the model is no BERT with a head, or its tokenizer lacks one.
        """
        require_family(model, "bert", _("Only a BERT fills in what is hidden."))
        if not model.card.has_head:
            raise ModelFamilyError(
                _("This BERT has no head, so it cannot say what stands in a hidden place."),
                found=_("{model} was loaded without one.").format(model=model.card.name),
                fix=_("Take a BERT that was saved with its masked language model head."),
            )
        tokenizer = model._tokenizer
        ids = (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.mask_token_id)
        if any(one is None or not 0 <= one < model.card.d_vocab for one in ids):
            raise ModelFamilyError(
                _("The tokenizer of this BERT has no [CLS], [SEP] or [MASK] that the model knows."),
                found=ngettext(
                    "Their ids are {ids}; the model knows {n:,} token.",
                    "Their ids are {ids}; the model knows {n:,} tokens.",
                    model.card.d_vocab,
                ).format(ids=ids, n=model.card.d_vocab),
                fix=_("Take the tokenizer that belongs to the model."),
            )
        return cls(*ids)

    def around(self, token_ids: Sequence[int]) -> list[int]:
        """Return a text with its two ends."""
        return [self.before, *token_ids, self.after]


def require_family(model: LoadedModel, family: str, what: str) -> None:
    """Refuse a model of another kind; `what` is the sentence that says so.

    Raises:
        ModelFamilyError: With the kind it is of.
    """
    if model.card.family != family:
        wanted = FAMILIES[family].title
        raise ModelFamilyError(
            what,
            found=_("{model} is a {family}.").format(
                model=model.card.name, family=model.family.title
            ),
            fix=_("Choose a {family}.").format(family=wanted),
        )


def require_decoder(model: LoadedModel, what: str) -> None:
    """Refuse a model that does not read left to right; `what` is the sentence that says so.

    Raises:
        ModelFamilyError: With the kind it is of.
    """
    if model.card.architecture != "decoder":
        raise ModelFamilyError(
            what,
            found=_("{model} is a {family}.").format(
                model=model.card.name, family=model.family.title
            ),
            fix=_("Choose a GPT-2 or a Llama."),
        )


def require_whole_sight(model: LoadedModel, what: str) -> None:
    """Refuse a model some of whose layers see a window of the text.

    Args:
        model: The model.
        what: What needs layers that see all of it, as a sentence.

    Raises:
        OptionsError: If there are such layers.
    """
    if model.card.windows:
        raise OptionsError(
            what,
            found=_("{model} has layers that see a window.").format(model=model.card.name),
            fix=_("Choose another model."),
        )


def check_count(number: object, most: int, law: str) -> None:
    """Refuse what is no whole number from 1 to a bound.

    Args:
        number: What was given.
        most: The bound.
        law: What it must be, as a sentence with ``{most}`` in it.

    Raises:
        OptionsError: If it is another.
    """
    if type(number) is not int or not 1 <= number <= most:
        raise OptionsError(
            law.format(most=most),
            found=_("Found {found!r}.").format(found=number)[:200],
            fix=_("Change it and run again."),
        )


def check_windows(card: ModelCard, n_rows: int) -> None:
    """Refuse another mask than its own for a model whose layers see less than the text.

    Raises:
        OptionsError: With the rows that it would take.
    """
    if not card.fits_in_windows(n_rows):
        narrowest = min(window for window in card.windows if window)
        raise OptionsError(
            _("A text longer than a layer's window is read with the model's own mask alone."),
            found=ngettext(
                "It runs as {n_rows:,} rows, and a layer of {model} sees {n:,} position.",
                "It runs as {n_rows:,} rows, and a layer of {model} sees {n:,} positions.",
                narrowest,
            ).format(n_rows=n_rows, model=card.name, n=narrowest),
            fix=_("Leave out `mask` and `pad_to`, or shorten the text."),
        )


def own_mask(card: ModelCard) -> Mask:
    """Return the mask that a model of this kind is trained with; of a T5 that of its encoder."""
    return "causal" if card.architecture == "decoder" else "bidirectional"


def checked_mask(card: ModelCard, mask: object) -> Mask:
    """Return the mask that is asked for.

    Raises:
        OptionsError: If there is none of that name, or the model cannot be read with it.
    """
    if isinstance(mask, str) and mask == "model":
        return own_mask(card)
    found = next((one for one in get_args(Mask) if isinstance(mask, str) and mask == one), None)
    if found is None:
        raise bad_option(_("The mask must be model, causal or bidirectional."), mask)
    if card.architecture == "encoder-decoder" and found == "causal":
        raise OptionsError(
            _("The encoder of a T5 is read with its own, two-sided mask."),
            found=_("Found {found!r}.").format(found=found),
            fix=_("Ask for model or bidirectional, or take a GPT-2 or a BERT."),
        )
    return found


def bad_option(what: str, found: object) -> OptionsError:
    """Return the error of a setting that is none; `what` is the sentence that says so."""
    return OptionsError(
        what, found=_("Found {found!r}.").format(found=found), fix=_("Change it and run again.")
    )


def whole_numbers(values: Any, what: str) -> list[int]:
    """Return a list of whole numbers as Python's own; `what` says that it must be one.

    Raises:
        OptionsError: If it is no list, or one of them is no whole number.
    """
    try:
        if isinstance(values, (str, bytes)):
            raise TypeError
        return [index(value) for value in values]
    except TypeError:
        raise bad_option(what, values) from None


def checked_text(model: LoadedModel, token_ids: Sequence[int], n_added: int) -> list[int]:
    """Return a text's ids if there are some and they fit into the model beside `n_added` more.

    Raises:
        PromptError: If there are none.
        OptionsError: If they are no list of whole numbers, or the model does not know one of them.
        ContextLengthError: If there are too many.
    """
    ids = whole_numbers(token_ids, _("The tokens of the text must be a list of whole numbers."))
    if not ids:
        raise PromptError(_("The text is empty."), fix=_("Type a few words."))
    check_known(model, ids)
    if len(ids) + n_added > model.card.n_ctx:
        raise ids_too_long(model.card, len(ids), n_added)
    return ids


def check_known(model: LoadedModel, ids: Sequence[int]) -> None:
    """Refuse ids that the model has no entry for.

    Raises:
        OptionsError: With the range that was found.
    """
    if min(ids) < 0 or max(ids) >= model.card.d_vocab:
        raise OptionsError(
            _("A token id lies in the model's vocabulary."),
            found=_("They reach from {first} to {last}, and there are {n}.").format(
                first=min(ids), last=max(ids), n=model.card.d_vocab
            ),
            fix=_("Tokenize the text with the model that reads it."),
        )


def checked_places(ids: list[int], positions: Sequence[int] | None, first: int) -> list[int]:
    """Return the positions to score, from `first` on.

    Raises:
        OptionsError: If one is no whole number, not in the text, or before `first`.
    """
    if positions is None:
        return list(range(first, len(ids)))
    places = whole_numbers(positions, _("The positions to score must be a list of whole numbers."))
    if places and len(ids) <= first:
        raise OptionsError(
            _("Nothing of this text can be scored."),
            found=_("It has 1 token, and nothing stands before it."),
            fix=_("Type a longer text."),
        )
    if places and not first <= min(places) <= max(places) < len(ids):
        raise OptionsError(
            _("A position that can be scored lies from {first} to {last}.").format(
                first=first, last=len(ids) - 1
            ),
            found=_("They reach from {first} to {last}.").format(
                first=min(places), last=max(places)
            ),
            fix=_("Choose another token."),
        )
    return places


def mask_for(model: LoadedModel, n_tokens: int, mask: Mask) -> Tensor:
    """Return what is added to the scores: nothing, or minus infinity for what lies ahead."""
    allowed = torch.zeros((1, 1, n_tokens, n_tokens), dtype=model.dtype, device=model.device)
    if mask == "bidirectional":
        return allowed
    ahead = torch.ones((n_tokens, n_tokens), dtype=torch.bool, device=model.device).triu(1)
    return allowed.masked_fill(ahead, torch.finfo(model.dtype).min)


def logits_of_hidden(
    model: LoadedModel,
    batch: Int64[Tensor, "text position"],
    lines: Sequence[int] | Tensor,
    columns: Sequence[int] | Tensor,
    attention: Tensor | None = None,
    observation: StepObservation | None = None,
) -> Float[Tensor, "place vocab"]:
    """Return what a BERT says at the places that are asked, and at no other.

    Its head compares a row with each word of the vocabulary. Over all rows that takes a fifth of
    the work of a bert-base.

    Args:
        model: A BERT with its head.
        batch: Texts with their ends, equally long.
        lines: For each place its text in the batch.
        columns: For each place its position in that text.
        attention: Mask of the attention; the model's own if None.
        observation: Who watches the pass, if anybody.
    """
    module = model.module
    watched = nullcontext() if observation is None else observation.watching()
    with watched:
        rows = module.base_model(
            batch, attention_mask=attention, kvviz_observation=observation
        ).last_hidden_state
    return module.get_submodule("cls")(rows[lines, columns])


def stop_if_asked(cancel: Cancel | None) -> None:
    """Stop when told to.

    Raises:
        RunCancelledError: If so.
    """
    if cancel is not None and cancel():
        raise RunCancelledError(_("The work was cancelled."), fix=_("Start it again."))
