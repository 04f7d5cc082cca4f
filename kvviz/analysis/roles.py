"""Heads that do one thing, found by stated rules on what they did in a run.

A role is a claim about what was observed: averaged over the queries of this run, the head put
at least that share of its attention where the role says that `THRESHOLDS` names for it.

- ``previous-token``: on the position just before. Elhage et al. (2021), "A Mathematical Framework
  for Transformer Circuits"; named and measured in Olsson et al. (2022).
- ``first-token``: on position 0, as on a sink. Xiao et al. (2023), section 3.
- ``induction``: on the position after the last earlier occurrence of the same token. Olsson et al.
  (2022), "In-context Learning and Induction Heads", prefix matching.

The first two can be measured on any text. The third needs a text that repeats itself, and shows
most clearly where the repeated part means nothing: run `probe_prompt` for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Float64, Int64

from kvviz.analysis.blocks import blocks_of_layer
from kvviz.errors import PatternError
from kvviz.trace import GenerationTrace
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

RoleName = Literal["previous-token", "first-token", "induction"]
ROLES: tuple[RoleName, ...] = ("previous-token", "first-token", "induction")

THRESHOLDS: dict[RoleName, float] = {
    "previous-token": 0.4,
    "first-token": 0.3,
    "induction": 0.4,
}
"""Mean weight from which a head has a role: 0.4 is the customary mark for previous-token and
induction heads, 0.3 that of a sink (Gu et al., "When Attention Sink Emerges in Language Models",
arXiv 2410.10781, section 3). Looking everywhere alike gives 1 / keys: below 0.2 on average from
ten positions on."""

MIN_QUERIES = 8
"""Fewest queries that a mean is taken over; fewer would let one word make a role."""

MIN_DISTANCE = 2
"""Induction is measured only where its target is neither the query itself nor the position before
it, which a previous-token head would also look at."""

PROBE_WORDS = 40
"""Words in one round of `probe_prompt`."""

# not for people: words for a model
_PROBE_TEXT = (
    "light king showed story soon drawing farmer able careful son heads join ocean city fierce pay "
    "here along certain walls larger yard called comfortable lady sail determined months spoken "
    "parents spread hoped break mistake fast bath done short daughters travel steal sky made "
    "further through brook whose warm mountain changed sight nest fear kissed battle alive neither "
    "cried waved"
)


@dataclass(frozen=True)
class RoleScores:
    """Mean weight that a head puts where each role says, from 0 to 1.

    Attributes:
        previous_token: On the position before; None if the text is too short to say.
        first_token: On position 0; None likewise.
        induction: On the position after the last occurrence of the same token; None if too few
            tokens occur again.
    """

    previous_token: float | None
    first_token: float | None
    induction: float | None


@dataclass(frozen=True)
class HeadRole:
    """A role that a head was found to play in a run.

    Attributes:
        layer: The head's layer.
        head: Its number in the layer.
        role: What it does, one of `ROLES`.
        score: Mean weight that it puts there, from the role's threshold to 1.
    """

    layer: int
    head: int
    role: RoleName
    score: float


def role_scores(pattern: Float[np.ndarray, "query key"], token_ids: Any) -> RoleScores:
    """Measure how well one head fits each role.

    Args:
        pattern: Softmaxed weights of the head, such as ``trace.pattern(layer, head)``.
        token_ids: The tokens behind its positions, as many as it has keys.

    Raises:
        PatternError: If the pattern is not square, or there are not as many tokens.
    """
    ids = np.asarray(token_ids)
    if pattern.ndim != 2 or pattern.shape != (ids.size, ids.size):
        raise PatternError(
            _("Roles need a square pattern and a token for each of its positions."),
            found=ngettext(
                "The pattern is {shape} and there is {n} token.",
                "The pattern is {shape} and there are {n} tokens.",
                ids.size,
            ).format(shape=pattern.shape, n=ids.size),
        )
    targets = _targets(ids)
    means = {
        role: float(pattern[queries, keys].mean()) if queries.size else None
        for role, (queries, keys) in targets.items()
    }
    return RoleScores(means["previous-token"], means["first-token"], means["induction"])


def all_role_scores(trace: GenerationTrace) -> dict[RoleName, Float64[np.ndarray, "layer head"]]:
    """Measure how well every head of a run fits each role.

    Returns:
        Mean weights from 0 to 1, for each role that the tokens of the run allow to measure.
    """
    card = trace.model
    targets = _targets(trace.token_ids[: trace.n_rows])
    sums: dict[RoleName, Float64[np.ndarray, "layer head"]] = {
        role: np.zeros((card.n_layers, card.n_heads))
        for role, (queries, _) in targets.items()
        if queries.size
    }
    for layer in range(card.n_layers):
        for first, weights in blocks_of_layer(trace, layer):
            stop = first + weights.shape[1]
            for role, total in sums.items():
                queries, keys = targets[role]
                here = slice(*np.searchsorted(queries, (first, stop)))
                picked = weights[:, queries[here] - first, keys[here]]
                total[layer] += picked.sum(axis=1, dtype=np.float64)
    return {role: total / targets[role][0].size for role, total in sums.items()}


def head_roles(trace: GenerationTrace) -> tuple[HeadRole, ...]:
    """Find the heads of a run that have a role.

    Args:
        trace: A run. With ``trace_generation(model, probe_prompt(), max_new_tokens=1)`` the roles
            speak of the model; with any other text they speak of that text.

    Returns:
        At most one role a head, that of its highest score, by layer and head. Empty for runs of
        fewer than `MIN_QUERIES` + 2 rows.
    """
    scores = all_role_scores(trace)
    found: list[HeadRole] = []
    for layer in range(trace.model.n_layers):
        for head in range(trace.model.n_heads):
            fits = [
                HeadRole(layer, head, role, float(all_heads[layer, head]))
                for role, all_heads in scores.items()
                if all_heads[layer, head] >= THRESHOLDS[role]
            ]
            if fits:
                found.append(max(fits, key=lambda fit: fit.score))
    return tuple(found)


def probe_prompt(seed: int = 0) -> str:
    """Return 40 common words in random order, said twice over, which brings out induction heads.

    Nothing but the first round tells which word comes next in the second, so that a head which
    looks there copies, and does not know the language. Two rounds and no more: an induction head
    shares its attention among all earlier rounds.

    Args:
        seed: Seed of the choice and the order of the words.
    """
    words = np.random.default_rng(seed).permutation(_PROBE_TEXT.split())[:PROBE_WORDS].tolist()
    return " ".join(words * 2)


def _targets(
    ids: Int64[np.ndarray, " position"],
) -> dict[RoleName, tuple[Int64[np.ndarray, " pair"], Int64[np.ndarray, " pair"]]]:
    """Return the queries, ascending, and keys that each role speaks of; none if they are too few.

    Queries begin at 2: at 1 the previous and the first token are the same one.
    """
    queries = np.arange(2, ids.size)
    again: list[tuple[int, int]] = []
    last: dict[int, int] = {}
    for position, token_id in enumerate(ids.tolist()):
        target = last.get(token_id, position) + 1
        if position - target >= MIN_DISTANCE:
            again.append((position, target))
        last[token_id] = position
    repeated = np.array(again, dtype=np.int64).reshape(-1, 2)
    targets: dict[RoleName, tuple[Any, Any]] = {
        "previous-token": (queries, queries - 1),
        "first-token": (queries, np.zeros_like(queries)),
        "induction": (repeated[:, 0], repeated[:, 1]),
    }
    none = np.empty(0, dtype=np.int64)
    return {
        role: pair if pair[0].size >= MIN_QUERIES else (none, none)
        for role, pair in targets.items()
    }
