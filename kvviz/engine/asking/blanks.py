"""What stands in a blank: asked of both sides, of the left side alone, or by trying words out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from kvviz.engine.asking.scoring import LOGITS_AT_ONCE, in_parts
from kvviz.engine.models.devices import synchronise
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.running.likely_tokens import require_finite
from kvviz.engine.running.memory import running
from kvviz.engine.running.reading import (
    FIX,
    Cancel,
    MaskedEnds,
    Progress,
    bad_option,
    check_known,
    checked_text,
    logits_of_hidden,
    require_family,
    stop_if_asked,
    whole_numbers,
)
from kvviz.errors import OptionsError
from kvviz.translation import gettext as _


@dataclass(frozen=True, eq=False)
class BlankGuess:
    """Tokens for a blank, most likely first.

    Attributes:
        ids: The tokens.
        probs: Their probabilities: among the whole vocabulary, or among the candidates where only
            candidates were tried.
        answer_prob: Probability of the token that stood there.
        answer_rank: Its place among all that were weighed, 1 for the most likely.
        n_weighed: How many tokens were weighed.
        n_passes: Texts that went through the network.
        n_rows: Tokens that went through it.
        seconds: Measured time, device synchronised.
    """

    ids: Int64[np.ndarray, " k"]
    probs: Float64[np.ndarray, " k"]
    answer_prob: float
    answer_rank: int
    n_weighed: int
    n_passes: int
    n_rows: int
    seconds: float


def fill_from_both_sides(
    model: LoadedModel, token_ids: Sequence[int], blank: int, *, n_top: int = 8
) -> BlankGuess:
    """Ask a BERT what stands in a blank, with everything on both sides of it in sight.

    Args:
        model: A BERT with its head.
        token_ids: The text without [CLS] and [SEP], the answer included.
        blank: Position of the token to hide.
        n_top: How many tokens to return.

    Raises:
        KvvizError: As `kvviz.engine.asking.scoring.pseudo_log_likelihood`.

    Source: Devlin et al. (2018), section 3.1.
    """
    ends = MaskedEnds.of(model)
    ids = checked_text(model, token_ids, n_added=2)
    check_blank(blank, ids, first=0, n_top=n_top)
    row = ends.around([*ids[:blank], ends.mask, *ids[blank + 1 :]])

    def guess() -> BlankGuess:
        start = started(model)
        batch = torch.tensor([row], device=model.device)
        logits = logits_of_hidden(model, batch, [0], [blank + 1])[0]
        probs = logits.cpu().double().softmax(-1)
        require_finite(probs, logits.dtype)
        return _guess(probs, None, ids[blank], n_top, 1, len(row), start)

    return running(model, guess, fix=_(FIX))


def fill_from_left(
    model: LoadedModel, token_ids: Sequence[int], blank: int, *, n_top: int = 8
) -> BlankGuess:
    """Ask a GPT-2 what comes after the left side of a blank; the right side it cannot see.

    Args:
        model: A GPT-2.
        token_ids: The text, the answer included.
        blank: Position of the blank, 1 or more.
        n_top: How many tokens to return.

    Raises:
        KvvizError: As `kvviz.engine.asking.scoring.log_likelihood`.
    """
    require_family(model, "gpt2", _("Only a GPT-2 is asked for what comes next."))
    ids = checked_text(model, token_ids, n_added=0)
    check_blank(blank, ids, first=1, n_top=n_top)

    def guess() -> BlankGuess:
        start = started(model)
        batch = torch.tensor([ids[:blank]], device=model.device)
        logits = model.module(batch, logits_to_keep=1, use_cache=False).logits[0, -1]
        probs = logits.cpu().double().softmax(-1)
        require_finite(probs, logits.dtype)
        return _guess(probs, None, ids[blank], n_top, 1, blank, start)

    return running(model, guess, fix=_(FIX))


def fill_by_trying(
    model: LoadedModel,
    token_ids: Sequence[int],
    blank: int,
    candidates: Sequence[int],
    *,
    n_top: int = 8,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> BlankGuess:
    """Let a GPT-2 try each candidate in the blank and score the whole text with it.

    So the right side counts as well: a word is good if the rest follows from it. It takes a pass a
    candidate, and says nothing about words that were not tried.

    Args:
        model: A GPT-2.
        token_ids: The text, the answer included.
        blank: Position of the blank, 1 or more.
        candidates: Tokens to try; the answer is tried as well.
        n_top: How many tokens to return.
        progress: Called with the candidates tried and all there are.
        cancel: Asked between batches; True ends the work.

    Raises:
        KvvizError: As `kvviz.engine.asking.scoring.log_likelihood`.

    Source: Bayes' rule with the text as evidence: p(word | left, right) is proportional to
    p(left, word, right).
    """
    require_family(model, "gpt2", _("Only a GPT-2 is scored from left to right."))
    ids = checked_text(model, token_ids, n_added=0)
    check_blank(blank, ids, first=1, n_top=n_top)
    words = whole_numbers(candidates, _("The words to try must be a list of whole numbers."))
    tried = list(dict.fromkeys([*words, ids[blank]]))
    check_known(model, tried)

    def guess() -> BlankGuess:
        scores: list[Tensor] = []
        start = started(model)
        n_at_once = max(1, LOGITS_AT_ONCE // (len(ids) * model.card.d_vocab))
        asked = torch.arange(blank - 1, len(ids) - 1, device=model.device)
        for part in in_parts(tried, n_at_once):
            stop_if_asked(cancel)
            batch = torch.tensor([ids], device=model.device).repeat(len(part), 1)
            batch[:, blank] = torch.tensor(part, device=model.device)
            # What stands before the blank is the same for all, so it does not count.
            logits = model.module(batch, use_cache=False, logits_to_keep=asked).logits
            found = logits.cpu().double().log_softmax(-1).gather(-1, batch[:, blank:, None].cpu())
            require_finite(found, logits.dtype)
            scores.append(found.sum(dim=(1, 2)))
            if progress is not None:
                progress(sum(map(len, scores)), len(tried))
        probs = torch.cat(scores).softmax(-1)
        return _guess(probs, tried, ids[blank], n_top, len(tried), len(tried) * len(ids), start)

    return running(model, guess, fix=_(FIX))


def check_blank(blank: int, ids: list[int], first: int, n_top: int) -> None:
    """Refuse a blank that is not in the text, and a number of tokens that is none.

    Raises:
        OptionsError: With where it may be.
    """
    if type(n_top) is not int or n_top < 1:
        raise bad_option(_("The number of likely tokens must be a whole number, 1 or more."), n_top)
    if type(blank) is not int:
        raise bad_option(_("A blank lies at a whole number."), blank)
    if len(ids) <= first:
        raise OptionsError(
            _("This text has no token that could be hidden."),
            found=_("It is a single one, and a GPT-2 has nothing to go by before the first token."),
            fix=_("Type a longer text."),
        )
    if not first <= blank < len(ids):
        what = (
            _(
                "A blank lies at position {first} to {last}, since a GPT-2 has nothing to go by "
                "before the first token."
            )
            if first
            else _("A blank lies at position {first} to {last}.")
        )
        raise OptionsError(
            what.format(first=first, last=len(ids) - 1),
            found=_("Asked for {found}.").format(found=blank),
            fix=_("Choose another token."),
        )


def started(model: LoadedModel) -> float:
    """Return the time once the device has nothing left to do."""
    synchronise(model.device)
    return time.perf_counter()


def _guess(
    probs: Tensor,
    ids: list[int] | None,
    answer: int,
    n_top: int,
    n_passes: int,
    n_rows: int,
    start: float,
) -> BlankGuess:
    """Read the most likely tokens off probabilities; `ids` names them if not their places do."""
    best = probs.topk(min(n_top, len(probs)))
    places = best.indices.tolist()
    place = answer if ids is None else ids.index(answer)
    answer_prob = float(probs[place])
    rank = 1 + int((probs > answer_prob).sum())
    return BlankGuess(
        ids=np.array(places if ids is None else [ids[i] for i in places], dtype=np.int64),
        probs=best.values.numpy(),
        answer_prob=answer_prob,
        answer_rank=rank,
        n_weighed=len(probs),
        n_passes=n_passes,
        n_rows=n_rows,
        seconds=time.perf_counter() - start,
    )
