"""What each step of a generation costs by formula, with the cache and without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64

from kvviz.analysis.kept_bytes import Keeping, kept_bytes, step_flops
from kvviz.errors import OptionsError
from kvviz.trace import ModelCard, forward_flops
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _

# Translators: {times} is a ratio such as "4.8x"
_RATIOS = {"rows": (N_("as many rows"), N_("{times} fewer rows"), N_("{times} more rows"))}
_RATIOS_OF_ANYTHING = (N_("as many {what}"), N_("{times} fewer {what}"), N_("{times} more {what}"))


@dataclass(frozen=True, eq=False)
class StepCosts:
    """Counts of each step by formula, not running sums; none of them is a measurement.

    Attributes:
        rows: K/V rows computed in each layer, so also token passes through the network; those of
            cross-attention do not count.
        flops: Floating-point operations of the forward pass, see `kvviz.trace.forward_flops`; the
            encoder of a T5, which is read once, does not count.
        cache_bytes: Bytes of cache that hold rows after the step, those of cross-attention
            included; 0 without the cache.
    """

    rows: Int64[np.ndarray, " step"]
    flops: Int64[np.ndarray, " step"]
    cache_bytes: Int64[np.ndarray, " step"]


def step_costs(
    card: ModelCard,
    n_prompt: int,
    n_steps: int,
    *,
    use_cache: bool,
    n_encoder: int = 0,
    keeping: Keeping | None = None,
) -> StepCosts:
    """Count what each step of a generation costs.

    After step s there are P+s rows. With the cache the prefill computes P of them and each later
    step one; without it every step computes all P+s. Where a cache keeps R rows, a later step reads
    min(P+s, R) of them, its own among them; the prompt is read whole.

    Args:
        card: The model's shape.
        n_prompt: Tokens of the prompt (P), at least 1.
        n_steps: Forward passes, one a generated token, at least 1.
        use_cache: Whether K/V rows are kept between steps.
        n_encoder: Tokens that the encoder of a T5 read; 0 for other families.
        keeping: What a decoder's cache keeps; None for every row, whole.

    Returns:
        Counts for steps 0 to n_steps - 1.

    Raises:
        OptionsError: If there is no prompt or no step, or a T5 has read nothing, or another family
            has an encoder.
    """
    if (card.architecture == "encoder-decoder") != (n_encoder > 0):
        raise OptionsError(
            _("A T5 has an encoder that read at least one token, and no other family has."),
            found=ngettext(
                "Found {n} token for {model}, a {family}.",
                "Found {n} tokens for {model}, a {family}.",
                n_encoder,
            ).format(n=n_encoder, model=card.name, family=card.family),
        )
    if n_prompt < 1 or n_steps < 1:
        raise OptionsError(
            _("A run has at least one prompt token and one step."),
            found=_("Found {n_prompt} and {n_steps}.").format(n_prompt=n_prompt, n_steps=n_steps),
        )
    rows_after = np.arange(n_prompt, n_prompt + n_steps)
    rows = rows_after.copy()
    if use_cache:
        rows[1:] = 1
    flops = [
        forward_flops(
            card,
            int(new),
            int(keys),
            int(new) if n_encoder else 1,
            n_encoder=n_encoder,
            n_cross_computed=0 if use_cache and step else n_encoder,
        )
        for step, (new, keys) in enumerate(zip(rows, rows_after, strict=True))
    ]
    kept = [card.cache_bytes(int(n) + n_encoder) if use_cache else 0 for n in rows_after]
    if keeping is not None and use_cache:
        flops[1:] = [step_flops(card, int(n), keeping) for n in rows_after[1:]]
        kept = [kept_bytes(card, int(n), keeping) for n in rows_after]
    return StepCosts(rows, np.array(flops, dtype=np.int64), np.array(kept, dtype=np.int64))


def token_passes(n_prompt: int, n_steps: int, *, use_cache: bool) -> int:
    """Count how many tokens go through the network in a whole generation.

    With the cache each row is computed once: P + N - 1. Without it step s computes P + s rows
    again: N P + N (N - 1) / 2. A prompt of 5 and 1,000 new tokens make 1,004 against 504,500.

    Args:
        n_prompt: Tokens of the prompt (P).
        n_steps: Generated tokens (N).
        use_cache: Whether K/V rows are kept between steps.
    """
    if use_cache:
        return n_prompt + n_steps - 1
    return n_steps * n_prompt + n_steps * (n_steps - 1) // 2


def bill(costs: StepCosts) -> dict[str, Int64[np.ndarray, " step"]]:
    """Sum the costs up to and with each step.

    Returns:
        ``rows`` and ``flops`` as running sums; ``cache_bytes`` as it stands after each step, since
        the cache is held and not spent.
    """
    return {
        "rows": np.cumsum(costs.rows),
        "flops": np.cumsum(costs.flops),
        "cache_bytes": costs.cache_bytes,
    }


def fewer(with_cache: float, without_cache: float, what: str) -> str:
    """Say how many times fewer of something the cache takes, such as ``4.8x fewer rows``.

    Below 10 the ratio has one decimal, from 10 on none. Equal counts, as after the prefill, give
    ``as many rows``.

    Args:
        with_cache: Count with the cache, above 0.
        without_cache: The same count without.
        what: What was counted, in the plural. Only ``rows`` is said in every language.
    """
    as_many, fewer_of, more_of = _RATIOS.get(what, _RATIOS_OF_ANYTHING)
    ratio = without_cache / with_cache
    if ratio == 1:
        return _(as_many).format(what=what)
    words = _(fewer_of) if ratio > 1 else _(more_of)
    ratio = max(ratio, 1 / ratio)
    return words.format(times=f"{ratio:,.1f}x" if ratio < 9.95 else f"{ratio:,.0f}x", what=what)


def counted(card: ModelCard, n_prompt: int, n_steps: int, n_encoder: int = 0) -> dict[str, Any]:
    """Return `step_costs` with (``on``) and without (``off``) the cache, as lists for JSON."""
    return {
        name: {
            part: getattr(
                step_costs(card, n_prompt, n_steps, use_cache=name == "on", n_encoder=n_encoder),
                part,
            ).tolist()
            for part in ("rows", "flops", "cache_bytes")
        }
        for name in ("on", "off")
    }
