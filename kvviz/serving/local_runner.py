"""Runs models in this process, on the thread of who asks or in passes shared with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvviz.serving.run_request import EVERY_ROW, RunRequest
from kvviz.serving.runner import Made, Watcher
from kvviz.serving.shared_passes import shared_passes
from kvviz.trace import GenerationOptions

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

_OPTIONS = ("max_new_tokens", "temperature", "top_k", "top_p", "seed", "stop_ids")


class LocalRunner:
    """Runs a model that is loaded here."""

    def run(self, model: LoadedModel, request: RunRequest, watcher: Watcher) -> Made:
        """Return what a run comes to; see `Runner`."""
        from kvviz.engine import trace_both, trace_generation

        asked: dict[str, Any] = {name: getattr(request.options, name) for name in _OPTIONS}
        if request.together and isinstance(request.prompt, str) and not request.both:
            options = GenerationOptions(**asked)
            return shared_passes(model).trace(model, request.prompt, options, watcher)
        prompt = list(request.prompt) if isinstance(request.prompt, tuple) else request.prompt
        asked |= {
            "prefix": request.prefix,
            "progress": watcher.report,
            "cancel": watcher.cancelled,
            "so_far": watcher.show if request.grows else None,
        }
        if request.both:
            return trace_both(
                model, prompt, n_timings=request.n_timings, in_haste=watcher.in_haste, **asked
            )
        return trace_generation(model, prompt, cache=_cache(request.cache), **asked)


LOCAL = LocalRunner()
"""Of this process."""


def _cache(words: str) -> Any:
    if words == EVERY_ROW:
        return None
    from kvviz.engine.caches.cache_words import cache_of

    return cache_of(words)
