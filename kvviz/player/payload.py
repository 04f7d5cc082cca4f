"""A run packed into one buffer of bytes, which the player in the browser reads in place.

``contract.json`` is the contract between this module and the player: names, dtypes and shapes;
`packed_buffer` says how header and arrays lie in the buffer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal, Protocol

import numpy as np

from kvviz.analysis import cache_bytes_unshared, counted
from kvviz.errors import PayloadError
from kvviz.player import packed_buffer, second_cache
from kvviz.player.cell import Cell
from kvviz.player.contract import CONTRACT
from kvviz.player.fingerprints import BYTES_OF_PRINTS
from kvviz.player.growing import Growing
from kvviz.player.head_origin import Answer, OriginAsked, origin_arrays
from kvviz.player.kept_numbers import kept_numbers
from kvviz.player.layer_arrays import arrays_of_layers, patterns, position_bias
from kvviz.player.lives import cross_lives, lives
from kvviz.player.run_patterns import thumbnail_arrays
from kvviz.player.tokens import named_tokens, special_tokens
from kvviz.trace import CacheComparison, GenerationTrace
from kvviz.translation import N_, front_end_catalogue, ngettext
from kvviz.translation import gettext as _

CacheView = Literal["on", "off", "both"]

MAX_BYTES = 256 * 2**20
"""Largest buffer that is built: browsers hold that much, and nobody waits longer."""
MAX_CELLS = 4 * 10**9
"""Most pattern cells, over all heads, that are gone through for thumbnails: about half a minute."""

Runs = dict[str, GenerationTrace]


class Role(Protocol):
    """What the player needs to know of a head role that `kvviz.analysis` found."""

    @property
    def layer(self) -> int:
        """The head's layer."""
        ...

    @property
    def head(self) -> int:
        """Its number in the layer."""
        ...

    @property
    def role(self) -> str:
        """One of the contract's ``roles``."""
        ...

    @property
    def score(self) -> float:
        """How strongly the head plays it, in [0, 1]."""
        ...


def pack(
    trace: GenerationTrace | CacheComparison,
    *,
    layer: int = 0,
    head: int = 0,
    step: int | None = None,
    cache: CacheView | None = None,
    view_number: int = 0,
    roles: Sequence[Role] | None = None,
    cell: Cell | None = None,
    plays: bool = False,
    recorded: bool = True,
    layers: Sequence[int] | None = None,
    max_bytes_all_layers: int = CONTRACT["max_bytes_all_layers"],
    origins: Mapping[OriginAsked, Answer] | None = None,
    growing: Growing | None = None,
) -> bytes:
    """Pack a run, or a run with and without the cache, for the player.

    Of a comparison whose runs parted and ended after different numbers of steps, the steps that
    both took are packed.

    Args:
        trace: What to pack.
        layer: Layer in view at first.
        head: Head in view at first.
        step: Step in view at first, or None for the prefill.
        cache: ``on``, ``off`` or ``both``: the side in view at first. None means both of a
            comparison, and the one there is of a single run.
        view_number: Counts the views that were asked for. A player that already shows the run
            keeps its own view until this changes.
        roles: Head roles found by the rules of `kvviz.analysis`, for the badges; none if left out.
        cell: Cell of the pattern whose making is on show at first, if any.
        plays: Whether the run plays by itself, once, when it is first seen. It does not where a
            person has asked for less motion.
        recorded: Whether the figures call their numbers recorded; else counted or measured here.
        layers: Layers whose arrays are packed. None means all if they fit into
            `max_bytes_all_layers`, else the one in view.
        max_bytes_all_layers: Most bytes that the arrays of all layers may take together.
        origins: What is known of how the rows of a head came about: one head at most, and one of
            cross-attention; none if left out.
        growing: What a player is told of a run that is still under way; None of one that is over.

    Returns:
        The buffer. Where a layer is missing it holds thumbnails of all heads of all layers, but of
        a run that is under way.

    Raises:
        PayloadError: If step, layer, head, side or cell does not exist in the run, or the run is
            too large to be shown.
    """
    runs = _runs_of(trace)
    first = next(iter(runs.values()))
    card, n_prompt = first.model, first.n_prompt
    n_steps = min(len(run.steps) for run in runs.values())
    n_rows = n_prompt + n_steps - 1
    step = 0 if step is None else step
    cache = cache or ("both" if len(runs) == 2 else next(iter(runs)))  # pyright: ignore
    for wrong, number, n in (
        (N_("There is no layer {number} to show."), layer, card.n_layers),
        (N_("There is no head {number} to show."), head, card.n_heads),
        (N_("There is no step {number} to show."), step, n_steps),
    ):
        if not 0 <= number < n:
            raise PayloadError(
                _(wrong).format(number=number),
                found=ngettext(
                    "There is {n}, counted from 0.", "There are {n}, counted from 0.", n
                ).format(n=n),
            )
    if (cache != "both" and cache not in runs) or (cache == "both" and len(runs) < 2):
        raise PayloadError(
            _("The view {cache!r} is not in this run.").format(cache=cache),
            found=_("It holds {views}.").format(views=", ".join(runs)),
        )
    if layers is None:
        layers = (layer,) if growing else _fitting(runs, n_rows, layer, max_bytes_all_layers)
    layers = _checked_layers(runs, n_rows, layers)
    if cell is not None and not cell.is_in(first, step):
        raise PayloadError(
            _("The cell {cell} is not in this run at step {step}.").format(cell=cell, step=step)
        )
    run_id = fingerprint(trace)
    arrays = [
        *_arrays_of_runs(runs, n_steps),
        *arrays_of_layers(runs, n_rows, layers, growing.n_held_of_layer if growing else 0),
        *position_bias(first, n_rows),
        *(
            _other_patterns(runs, n_rows, layers, growing, max_bytes_all_layers)
            if growing
            else thumbnail_arrays(first, n_rows, layers)
        ),
        *origin_arrays(run_id, origins or {}),
    ]
    header = {
        **front_end_catalogue(),  # first, where the front end looks for it
        "magic": CONTRACT["magic"],
        "format": CONTRACT["format"],
        "id": run_id,
        "model": card.to_json() | {"cache_bytes_per_token": card.cache_bytes_per_token},
        "options": {
            name: getattr(first.options, name) for name in ("temperature", "top_k", "top_p", "seed")
        },
        "prompt": first.prompt,
        "n_prompt": n_prompt,
        "n_rows": n_rows,
        "n_steps": n_steps,
        "tokens": named_tokens(first.token_ids, first.tokens, first.tokens_in_place)[: n_rows + 1],
        "vocabulary": {
            str(token_id): text
            for run in runs.values()
            for token_id, text in run.vocabulary.items()
        },
        "runs": [_run(name, run, n_steps) for name, run in runs.items()],
        "counted": _counted(first, n_steps),
        "comparison": _comparison(trace, n_steps, n_rows),
        "roles": [
            {"layer": r.layer, "head": r.head, "role": r.role, "score": float(r.score)}
            for r in roles or ()
        ],
        "view": {
            "step": step,
            "layer": layer,
            "head": head,
            "cache": cache,
            "cell": None if cell is None else asdict(cell),
        },
        "view_number": view_number,
        "plays": plays,
        "recorded": recorded,
        "layers": list(layers),
        "score_scale": [float(scale) for scale in first.score_scale],
        **special_tokens(runs.values()),
        **_savings(first, n_steps),
        **_named_cache(first),
        **({"growing": asdict(growing)} if growing else {}),
        **second_cache.encoder_header(first),
    }
    return packed_buffer.pack(header, arrays)


def fingerprint(trace: GenerationTrace | CacheComparison) -> str:
    """Return a name for what was computed: the same for the same run, whatever is in view.

    Made of each run's model card, options, token ids and row fingerprints; times are left out.

    Returns:
        32 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for run in _runs_of(trace).values():
        facts = [run.model.to_json(), run.options.to_json(), run.prompt, run.n_prompt]
        digest.update(json.dumps(facts, sort_keys=True).encode())
        for array in (run.token_ids, run.written_fingerprints, run.final_fingerprints):
            digest.update(array.tobytes())
        if run.cross is not None:
            digest.update(run.cross.encoder.token_ids.tobytes())
            digest.update(run.cross.written_fingerprints.tobytes())
    return digest.hexdigest()[:32]


def _runs_of(trace: GenerationTrace | CacheComparison) -> Runs:
    if isinstance(trace, CacheComparison):
        return {"on": trace.cached, "off": trace.uncached}
    return {"on" if trace.options.use_cache else "off": trace}


def _bytes_of_a_layer(runs: Runs, n_rows: int) -> int:
    card = next(iter(runs.values())).model
    pattern = card.n_heads * n_rows * (n_rows + 1) // 2
    n_heads = 2 * card.n_kv_heads + card.n_heads
    rows = n_heads * (2 * n_rows * card.d_head + np.dtype(np.float32).itemsize)
    prints = BYTES_OF_PRINTS * n_rows
    return len(runs) * (pattern + rows + prints) + second_cache.bytes_of_a_layer(runs, n_rows)


def _fitting(runs: Runs, n_rows: int, layer: int, max_bytes: int) -> Sequence[int]:
    n_layers = next(iter(runs.values())).model.n_layers
    all_fit = n_layers * _bytes_of_a_layer(runs, n_rows) <= max_bytes
    return range(n_layers) if all_fit else (layer,)


def _other_patterns(
    runs: Runs, n_rows: int, layers: Sequence[int], growing: Growing, max_bytes: int
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the patterns of the layers that are not packed, if those of all of the run will fit."""
    first = next(iter(runs.values()))
    card, n_at_last = first.model, first.n_prompt + growing.n_steps - 1
    n_bytes = len(runs) * card.n_layers * card.n_heads * n_at_last * (n_at_last + 1) // 2
    if n_bytes <= max_bytes:
        others = [one for one in range(card.n_layers) if one not in layers]
        yield from patterns(runs, n_rows, others, growing.n_held)


def _checked_layers(runs: Runs, n_rows: int, layers: Sequence[int]) -> Sequence[int]:
    """Return the layers to send, if they exist and the run is small enough to be shown."""
    card = next(iter(runs.values())).model
    if not all(0 <= one < card.n_layers for one in layers) or len(set(layers)) != len(layers):
        raise PayloadError(
            _("These layers cannot be packed."),
            found=_("Found {layers}; the model has {n_layers}, from 0 on.").format(
                layers=", ".join(map(str, layers)), n_layers=card.n_layers
            ),
        )
    n_cells = card.n_layers * card.n_heads * n_rows**2
    if _bytes_of_a_layer(runs, n_rows) * len(layers) > MAX_BYTES or n_cells > MAX_CELLS:
        rows = ngettext("{n:,} row", "{n:,} rows", n_rows).format(n=n_rows)
        raise PayloadError(
            _("This run is too large to be drawn."),
            found=ngettext(
                "It has {rows}, and {n:,} head in a layer.",
                "It has {rows}, and {n:,} heads in a layer.",
                card.n_heads,
            ).format(rows=rows, n=card.n_heads),
            fix=_("Generate fewer tokens, or use a shorter prompt."),
        )
    return layers


def _run(name: str, run: GenerationTrace, n_steps: int) -> dict[str, Any]:
    steps = run.steps[:n_steps]
    return {
        "cache": name,
        "stopped": run.stopped,
        "reuse_is_proven": run.reuse_is_proven,
        "n_timings": run.n_timings,
        "n_together": run.n_together,
        "n_fed": [int(step.fed.size) for step in steps],
        "n_computed": [int(step.computed.size) for step in steps],
        "n_reused": [int(step.reused.size) for step in steps],
        "seconds": [float(step.seconds) for step in steps],
        "flops": [int(step.flops) for step in steps],
        "cache_bytes": [int(step.cache_bytes) for step in steps],
        "max_row_change": [float(step.max_row_change) for step in steps],
        "chosen_ids": [int(step.chosen_id) for step in steps],
        "chosen_probs": [float(step.chosen_prob) for step in steps],
        **second_cache.rows_of_a_run(run, n_steps),
    }


def _counted(run: GenerationTrace, n_steps: int) -> dict[str, Any]:
    n_encoder = 0 if run.cross is None else run.cross.n_encoder
    own = counted(run.model, run.n_prompt, n_steps, n_encoder)
    cross = second_cache.counted_rows(run, n_steps)
    return {name: own[name] | cross[name] for name in own}


def _savings(run: GenerationTrace, n_steps: int) -> dict[str, Any]:
    """Return the header's ``savings``; nothing for a model that neither groups nor forgets."""
    card = run.model
    if card.n_kv_heads == card.n_heads and not card.windows:
        return {}
    alternatives = {
        "no_groups": (False, True),
        "no_windows": (True, False),
        "plain": (False, False),
    }
    return {
        "savings": {
            name: [
                cache_bytes_unshared(card, run.n_prompt + step, groups=groups, windows=windows)
                for step in range(n_steps)
            ]
            for name, (groups, windows) in alternatives.items()
        }
    }


def _named_cache(run: GenerationTrace) -> dict[str, Any]:
    """Return the header's ``named_cache``; nothing where on and off tell how rows were kept."""
    named = run.options.cache
    if named is None:
        return {}
    return {"named_cache": {"name": named.name, "told": named.told, **kept_numbers(named)}}


def _comparison(
    trace: GenerationTrace | CacheComparison, n_steps: int, n_rows: int
) -> dict[str, Any] | None:
    if not isinstance(trace, CacheComparison):
        return None
    return {
        "same_tokens": trace.same_tokens,
        "max_logit_difference": trace.max_logit_difference,
        "logit_differences": trace.logit_differences[:n_steps].tolist(),
        "row_differences": trace.row_differences[:n_rows].tolist(),
        "dtype": trace.cached.model.dtype,
    }


def _arrays_of_runs(runs: Runs, n_steps: int) -> Iterator[tuple[str, np.ndarray]]:
    for name, run in runs.items():
        steps = run.steps[:n_steps]
        yield f"{name}.top_ids", np.stack([step.top_ids for step in steps]).astype(np.int32)
        yield f"{name}.top_probs", np.stack([step.top_probs for step in steps])
        yield f"{name}.top_sampling_probs", np.stack([step.top_sampling_probs for step in steps])
        yield from lives(name, run, n_steps)
        if run.cross is not None:
            yield f"{name}.cross_lives", cross_lives(run, n_steps)
