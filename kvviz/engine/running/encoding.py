"""One pass over a whole text, with the model's own mask or the other one.

Bits and lengths: a matrix library may choose another kernel for another number of rows, and with
it another order of summation. On the processor this was written on, the K/V rows of a GPT-2 kept
every bit when a token was appended, except from 3 to 4, 7 to 8, 11 to 12 and 15 to 16 tokens,
where they moved by up to 1e-5. Elsewhere the borders lie elsewhere. To compare the rows of two
texts bit for bit, read both with the same `pad_to`: both then run as so many rows, the spare ones
behind the text and hidden from it by the mask, so that the same kernels sum in the same order.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from kvviz.engine.models.context_errors import text_too_long
from kvviz.engine.models.devices import synchronise
from kvviz.engine.models.families import CheckpointFamily
from kvviz.engine.models.loaded_model import LoadedModel, TokenizedText
from kvviz.engine.observing.agreement import expected_projections
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.running.likely_tokens import likely_tokens, require_finite
from kvviz.engine.running.memory import environment, running
from kvviz.engine.running.reading import (
    FIX,
    MaskChoice,
    bad_option,
    check_windows,
    checked_mask,
    own_mask,
)
from kvviz.errors import ObservationError, OptionsError
from kvviz.trace import EncodingTrace, ModelCard, encoding_flops
from kvviz.trace.encoding import Mask
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


def trace_encoding(
    model: LoadedModel,
    text: str | Sequence[int],
    *,
    mask: MaskChoice = "model",
    hide: Sequence[int] = (),
    top_k: int = 8,
    pad_to: int | None = None,
) -> EncodingTrace:
    """Read a text in one pass and record what every layer did.

    The weights stay as they are; only the mask is another where that is asked for. The same model
    may be used from several threads at once. Of a T5 the encoder reads.

    Args:
        model: What `kvviz.load_model` returned.
        text: What to read; or token ids, which are then used as they are.
        mask: ``causal``, ``bidirectional``, or ``model`` for the one the model was trained with.
        hide: Positions whose token is replaced by the mask token before the pass; BERT only.
        top_k: How many likely tokens each position names, at most the vocabulary.
        pad_to: Run as this many rows, to compare the rows of texts of different lengths bit for
            bit; see the top of this file. The spare rows are not in the trace, but their time and
            operations count. None for no spare rows.

    Returns:
        The record of the pass.

    Raises:
        PromptError: If the text is empty, blank or no text, or a token id is none.
        OptionsError: If a setting is of the wrong type or out of its range, or a BERT's setting is
            asked of another model.
        ContextLengthError: If the text does not fit into the model's positions.
        ModelFilesError: If the model gives logits that are not finite.
        OutOfMemoryError: If memory runs out.
        ObservationError: If observers of the pass disagree.
    """
    used = checked_mask(model.card, mask)
    if type(top_k) is not int or top_k < 1:
        raise bad_option(_("The number of likely tokens must be a whole number, 1 or more."), top_k)
    whole = model.tokenize_whole(text) if isinstance(text, str) else model.given_tokens(text)
    n_rows = _checked_length(model, whole, pad_to)
    hidden = _checked_hide(model, hide, len(whole.token_ids))
    if used != own_mask(model.card) or n_rows > len(whole.token_ids):
        check_windows(model.card, n_rows)
    return running(
        model,
        lambda: _encode(model, whole, used, hidden, top_k, n_rows),
        fix=_(FIX),
    )


class EncodingPass(NamedTuple):
    """What one pass over a text left.

    Attributes:
        observation: What was seen of it, spare rows included.
        logits: What the head says of each token, or None where there is no head.
        states: The last hidden states of an encoder, which a T5's decoder attends to.
        seconds: How long it took.
    """

    observation: StepObservation
    logits: Float[Tensor, "position vocab"] | None
    states: Float[Tensor, "1 position d_model"] | None
    seconds: float


def encoding_card(card: ModelCard) -> ModelCard:
    """Return the card of what reads a text: of a T5 the encoder."""
    if card.architecture != "encoder-decoder":
        return card
    return replace(card, n_layers=card.n_encoder_layers)


def encode(model: LoadedModel, ids: list[int], mask: Mask, n_rows: int) -> EncodingPass:
    """Read tokens in one pass and hold the observers to each other.

    Args:
        model: Who reads.
        ids: What is fed, fewer than `n_rows` or as many.
        mask: The mask to use.
        n_rows: Rows to run, the spare ones behind the text.

    Raises:
        ObservationError: If observers of the pass disagree.
    """
    card, family, n = encoding_card(model.card), model.family, len(ids)
    allowed = _allowed(mask, n, n_rows)
    arguments = _arguments(model, mask, allowed)
    observation = StepObservation(keep_hidden=True)
    synchronise(model.device)
    start = time.perf_counter()
    tokens = torch.tensor([ids + [model.pad_id] * (n_rows - n)], device=model.device)
    inputs = family.reading_inputs(tokens)
    reader = family.reader(model.module)
    with observation.watching():
        output = reader(**inputs, kvviz_observation=observation, **arguments)
    synchronise(model.device)
    seconds = time.perf_counter() - start
    _check(observation, card, family, allowed)
    require_finite(observation.hidden[-1], model.dtype)
    is_encoder_part = family.architecture == "encoder-decoder"
    return EncodingPass(
        observation,
        output.logits[0, :n] if card.has_head and not is_encoder_part else None,
        output.last_hidden_state if is_encoder_part else None,
        seconds,
    )


def recorded(
    model: LoadedModel,
    whole: TokenizedText,
    ids: list[int],
    mask: Mask,
    hidden: tuple[int, ...],
    top_k: int,
    done: EncodingPass,
) -> EncodingTrace:
    """Return the trace of a pass, without its spare rows."""
    card, n = encoding_card(model.card), len(ids)
    attended = done.observation.attended
    n_rows = attended[0].query.shape[-2]
    labels = _labels(card, whole.token_ids, hidden, done.logits is not None)
    top_ids, top_probs, logprobs = _predictions(done.logits, labels, top_k)
    bias = attended[0].position_bias
    named = {*ids, *whole.token_ids, *top_ids.reshape(-1).tolist()}
    return EncodingTrace(
        model=card,
        text=whole.text,
        mask=mask,
        token_ids=np.array(ids, dtype=np.int64),
        original_ids=np.array(whole.token_ids, dtype=np.int64),
        tokens=[model.token_text(token_id) for token_id in ids],
        spans=whole.spans,
        special=whole.special,
        hidden_positions=hidden,
        queries=_rows([layer.query for layer in attended], n),
        all_keys=_rows([layer.key for layer in attended], n),
        all_values=_rows([layer.value for layer in attended], n),
        score_scale=np.array([layer.scaling for layer in attended], dtype=np.float32),
        hidden_states=_rows(_residual_stream(done.observation, model.family), n),
        top_ids=top_ids,
        top_probs=top_probs,
        label_ids=labels,
        label_logprobs=logprobs,
        vocabulary={token_id: model.token_text(token_id) for token_id in sorted(named)},
        seconds=done.seconds,
        flops=encoding_flops(card, n_rows),
        position_bias=None if bias is None else bias[0, :, :n, :n].float().cpu().numpy().copy(),
        environment=environment(model),
    )


def _encode(
    model: LoadedModel,
    whole: TokenizedText,
    mask: Mask,
    hidden: tuple[int, ...],
    top_k: int,
    n_rows: int,
) -> EncodingTrace:
    mask_id = model.mask_id
    ids = [
        token_id if mask_id is None or place not in hidden else mask_id
        for place, token_id in enumerate(whole.token_ids)
    ]
    return recorded(model, whole, ids, mask, hidden, top_k, encode(model, ids, mask, n_rows))


def _allowed(mask: Mask, n: int, n_rows: int) -> Bool[Tensor, "query key"]:
    """Return which key each query may see: of the spare keys none, but for their own queries."""
    allowed = torch.ones(n_rows, n_rows, dtype=torch.bool)
    if mask == "causal":
        allowed = allowed.tril()
    allowed[:n, n:] = False
    return allowed


def _arguments(
    model: LoadedModel, mask: Mask, allowed: Bool[Tensor, "query key"]
) -> dict[str, Any]:
    """Return the arguments of a pass; nothing is said of the mask where the model's own will do."""
    arguments: dict[str, Any] = {}
    n_allowed = (
        allowed.numel() if mask == "bidirectional" else len(allowed) * (len(allowed) + 1) // 2
    )
    if mask != own_mask(model.card) or int(allowed.sum()) != n_allowed:
        lowest = torch.finfo(model.dtype).min
        added = torch.zeros(allowed.shape, dtype=model.dtype).masked_fill_(~allowed, lowest)
        arguments["attention_mask"] = added[None, None].to(model.device)
    return arguments


def _check(
    observation: StepObservation, card: ModelCard, family: CheckpointFamily, allowed: Tensor
) -> None:
    """Hold projections, attention and masks to what was fed and asked for."""
    n_rows = len(allowed)
    if observation.projected != expected_projections(card.n_layers, family.n_projections, n_rows):
        n = len(observation.projected)
        seen = ngettext(
            "{n} projection reported its rows.", "{n} projections reported their rows.", n
        )
        raise _disagreement(seen.format(n=n))
    if [layer.layer for layer in observation.attended] != list(range(card.n_layers)):
        n = len(observation.attended)
        raise _disagreement(ngettext("{n} layer attended.", "{n} layers attended.", n).format(n=n))
    masks: dict[tuple[int, int], Tensor] = {}
    for layer in observation.attended:
        if {layer.query.shape[-2], layer.key.shape[-2], layer.value.shape[-2]} != {n_rows}:
            raise _disagreement(
                ngettext(
                    "Layer {layer} did not attend to the {n} row fed.",
                    "Layer {layer} did not attend to the {n} rows fed.",
                    n_rows,
                ).format(layer=layer.layer, n=n_rows)
            )
        window = card.window(layer.layer) or n_rows
        if layer.mask is None:
            if not bool(allowed.all()):
                raise _disagreement(
                    _("Layer {layer} attended without a mask.").format(layer=layer.layer)
                )
        else:
            masks[id(layer.mask), window] = layer.mask
    for (_id, window), mask in masks.items():
        seen = allowed.triu(1 - window)
        # What is forbidden gets the lowest number of its dtype, what is allowed 0.
        if not torch.equal((mask[0, 0] == 0).cpu(), seen) or bool(
            (mask[0, 0].cpu()[~seen] > -1e4).any()
        ):
            raise _disagreement(_("Attention was given another mask than the one asked for."))
    n_states = card.n_layers + 1 + family.has_final_norm
    if len(observation.hidden) != n_states:
        n = len(observation.hidden)
        seen = ngettext(
            "{n} layer told its hidden states.", "{n} layers told their hidden states.", n
        )
        raise _disagreement(seen.format(n=n))


def _disagreement(found: str) -> ObservationError:
    return ObservationError(
        _("The observers of this pass disagree, so nothing can be said about it."),
        found=found,
        fix=_("Report this with the versions of kvviz, torch and transformers."),
    )


def _residual_stream(observation: StepObservation, family: CheckpointFamily) -> list[Tensor]:
    """Return embeddings and the states after each layer, the last after the final norm."""
    states = observation.hidden
    return [*states[:-2], states[-1]] if family.has_final_norm else states


def _rows(layers: list[Tensor], n: int) -> np.ndarray:
    # Copied, so that the trace holds no memory of the pass.
    return torch.cat(layers).narrow(-2, 0, n).float().cpu().contiguous().numpy().copy()


def _labels(card: ModelCard, ids: list[int], hidden: tuple[int, ...], has_head: bool) -> np.ndarray:
    labels = np.full(len(ids), -1, dtype=np.int64)
    if has_head and card.architecture == "decoder":
        labels[:-1] = ids[1:]
    elif has_head:
        labels[list(hidden)] = np.array(ids)[list(hidden)]
    return labels


def _predictions(
    logits: Tensor | None, labels: np.ndarray, top_k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the likely tokens of each position, and how likely its label is."""
    if logits is None:
        nothing = np.empty((labels.size, 0))
        unknown = np.full(labels.size, np.nan, dtype=np.float32)
        return nothing.astype(np.int64), nothing.astype(np.float32), unknown
    likely = likely_tokens(logits, labels.clip(min=0).tolist(), top_k)
    logprobs = np.where(labels < 0, np.nan, likely.chosen_logs).astype(np.float32)
    return likely.ids, likely.probs, logprobs


def _checked_length(model: LoadedModel, whole: TokenizedText, pad_to: object) -> int:
    n, n_ctx = len(whole.token_ids), model.card.n_ctx
    if n > n_ctx:
        raise text_too_long(model.card, n, int(whole.special.sum()))
    if pad_to is None:
        return n
    if type(pad_to) is not int or not n <= pad_to <= n_ctx:
        raise bad_option(
            _(
                "The rows to run must be a whole number from {n:,} (the tokens of the text) to "
                "{n_ctx:,} (the model's positions)."
            ).format(n=n, n_ctx=n_ctx),
            pad_to,
        )
    return pad_to


def _checked_hide(model: LoadedModel, hide: Sequence[int], n: int) -> tuple[int, ...]:
    if isinstance(hide, (str, bytes)) or not isinstance(hide, Iterable):
        raise bad_option(_("The hidden positions must be a list of whole numbers."), hide)
    places = list(hide)
    if not places:
        return ()
    if model.card.family != "bert":
        raise OptionsError(
            _("Only a BERT can have tokens hidden from it."),
            found=_("{model} is of the family {family}.").format(
                model=model.card.name, family=model.card.family
            ),
            fix=_("Leave out `hide`, or load a BERT."),
        )
    if model.mask_id is None or not 0 <= model.mask_id < model.card.d_vocab:
        raise OptionsError(
            _("Nothing can be hidden from this model."),
            found=_("The tokenizer of {model} has no mask token that the model knows.").format(
                model=model.card.name
            ),
            fix=_("Load a BERT whose tokenizer has [MASK]."),
        )
    for place in places:
        if not isinstance(place, (int, np.integer)) or not 0 <= place < n:
            raise bad_option(
                _("A hidden position must be a whole number from 0 to {last}.").format(last=n - 1),
                place,
            )
    return tuple(sorted({int(place) for place in places}))
