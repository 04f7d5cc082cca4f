"""Who runs models for this app: itself, or the deployment that `KVVIZ_RUNNER` names."""

from __future__ import annotations

from functools import cache

from kvviz.serving.local_runner import LOCAL
from kvviz.serving.runner import Runner
from kvviz.ui.shell.environment import Environment


def model_runner(environment: Environment) -> Runner:
    """Return who makes the runs of this installation."""
    return _elsewhere(environment.ray_url) if environment.runner == "ray" else LOCAL


@cache
def _elsewhere(url: str) -> Runner:
    """Return who sends runs to an address."""
    # The client for HTTP comes with it, and is loaded where it is wanted.
    from kvviz.serving.ray_runner import RayRunner

    return RayRunner(url)
