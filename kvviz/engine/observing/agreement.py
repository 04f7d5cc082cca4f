"""What the observers of a step must agree on, and what is said where they do not."""

from __future__ import annotations

from kvviz.engine.observing.observation import Attended, StepObservation
from kvviz.errors import ObservationError


def check_layers(
    observation: StepObservation,
    n_layers: int,
    n_projections: int,
    fed: range,
    n_keys: int | None = None,
) -> None:
    """Hold projections and attention to the positions that were fed, layer by layer.

    Args:
        observation: What was seen of the step.
        n_layers: Layers that must have reported, each once and in order.
        n_projections: Products that give a layer's keys and values.
        fed: Positions that went through the network.
        n_keys: Rows that each layer's attention must have read; if None those of all positions
            up to the last that was fed.

    Raises:
        ObservationError: If they disagree.
    """
    if observation.projected != expected_projections(n_layers, n_projections, len(fed)):
        seen = ", ".join(f"{rows} in layer {layer}" for layer, rows in observation.projected)
        raise disagreement(None, f"rows were projected: {seen or 'none'}", fed)
    if [attended.layer for attended in observation.attended] != list(range(n_layers)):
        raise disagreement(None, f"{len(observation.attended)} layers attended", fed)
    n_keys = fed.stop if n_keys is None else n_keys
    for attended in observation.attended:
        rows = (attended.query.shape[-2], attended.key.shape[-2], attended.value.shape[-2])
        if rows != (len(fed), n_keys, n_keys):
            seen = "attention saw {} queries, {} keys and {} values".format(*rows)
            raise disagreement(attended.layer, seen, fed)


def expected_projections(n_layers: int, n_projections: int, n_rows: int) -> list[tuple[int, int]]:
    """Return what the K/V projections of a stack report of a pass over so many rows."""
    return [(layer, n_rows) for layer in range(n_layers) for _ in range(n_projections)]


def disagreement(layer: int | None, seen: str, fed: range) -> ObservationError:
    """Return the error for a step whose observers disagree, in one layer or in all."""
    where = "" if layer is None else f"In layer {layer} "
    found = f"{where}{seen}; the step fed {position_text(fed)}."
    return ObservationError(
        "The observers of a step disagree, so nothing can be said about it.",
        found=found[0].upper() + found[1:],
        fix="Report this with the versions of kvviz, torch and transformers.",
    )


def position_text(positions: range) -> str:
    """Return positions in words."""
    return f"positions {positions.start} to {positions.stop - 1}"


def largest_change(now: list[Attended], before: list[Attended]) -> float:
    """Return how far rows moved that were computed again; 0 if there was no step before."""
    pairs = [
        (new, old)
        for one, other in zip(now, before, strict=False)
        for new, old in ((one.key, other.key), (one.value, other.value))
    ]
    return max(
        (float((new.narrow(-2, 0, old.shape[-2]) - old).abs().max()) for new, old in pairs),
        default=0.0,
    )
