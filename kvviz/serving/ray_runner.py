"""Runs models on a Ray Serve deployment, by HTTP. Nothing of Ray is imported for that."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import httpx2

from kvviz.errors import RunnerError
from kvviz.serving.run_call import LostError, RunCall, no_kvviz, unreachable
from kvviz.serving.run_request import RunRequest
from kvviz.serving.runner import Made, Watcher
from kvviz.trace import CacheComparison
from kvviz.translation import gettext as _

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

SENT_AGAIN = 2
"""So often a run is sent again whose replica was lost."""

log = logging.getLogger(__name__)


class RayRunner:
    """Sends runs to the deployment that `deploy/ray_serve.yaml` describes.

    Args:
        url: Where its proxy listens, with a slash at the end.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def run(self, model: LoadedModel, request: RunRequest, watcher: Watcher) -> Made:
        """Return what a run comes to; see `Runner`.

        A run whose replica is lost is sent again: its progress begins anew.

        Raises:
            RunnerError: If nothing answers there; what does is no kvviz, another one, or has
                another model by that name; or the replicas were lost again and again.
            KvvizError: What the replica's own run raises.
        """
        has_begun, lost = False, ""
        for _time in range(1 + SENT_AGAIN):
            call = RunCall(self._url, request, watcher)
            try:
                made = asyncio.run(call.made())
            except LostError as error:
                has_begun, lost = has_begun or call.begun, f"{error}"
                log.warning("A run was lost on its way. %s", lost)
                continue
            except httpx2.InvalidURL as error:
                raise unreachable(self._url, error) from error
            _require_same(model, made)
            return made
        if not has_begun:
            raise no_kvviz(self._url, lost)
        raise RunnerError(
            _("What ran the model was lost, and again when the run was sent anew."),
            fix=_("Run it again in a minute; who runs the app finds more in the log of Ray Serve."),
        )


def _require_same(model: LoadedModel, made: Made) -> None:
    """Refuse the run of a model that only has the name of the one that is loaded here.

    Raises:
        RunnerError: If the shapes differ.
    """
    card = made.cached.model if isinstance(made, CacheComparison) else made.model
    if _shape(card) != _shape(model.card):
        raise RunnerError(
            _("The replica has another model by the name {name}.").format(name=card.name),
            fix=_("Give the app and the replicas the same files, and start both again."),
        )


def _shape(card: Any) -> tuple[Any, ...]:
    names = ("family", "n_layers", "n_heads", "n_kv_heads", "d_head", "d_vocab", "n_params")
    return tuple(getattr(card, name) for name in names)
