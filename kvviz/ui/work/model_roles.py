"""What the heads of a loaded model do on words that mean nothing, found once a model."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from kvviz.analysis import HeadRole, head_roles, probe_prompt
from kvviz.errors import ContextLengthError

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

_found: WeakKeyDictionary[LoadedModel, tuple[HeadRole, ...]] = WeakKeyDictionary()
_finding = Lock()


def induction_heads(model: LoadedModel) -> tuple[HeadRole, ...]:
    """Return the induction heads of a model, which an ordinary text rarely brings out.

    The first call runs a short probe. A model whose context is too short for it has none to show,
    nor has a T5, whose decoder does not read the probe.
    """
    if model.card.family == "t5":
        return ()
    with _finding:
        if model not in _found:
            _found[model] = _probe(model)
        return _found[model]


def _probe(model: LoadedModel) -> tuple[HeadRole, ...]:
    from kvviz.engine import trace_generation

    try:
        trace = trace_generation(model, probe_prompt(), max_new_tokens=1)
    except ContextLengthError:
        return ()
    return tuple(role for role in head_roles(trace) if role.role == "induction")
