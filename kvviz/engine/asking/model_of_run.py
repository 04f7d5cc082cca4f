"""Whether a run was made by the model that is to be asked about it."""

from __future__ import annotations

from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.errors import OptionsError
from kvviz.trace import GenerationTrace
from kvviz.translation import gettext as _

_SAME = ("family", "n_layers", "n_heads", "n_kv_heads", "d_head", "d_model", "d_vocab", "dtype")


def require_model_of(trace: GenerationTrace, model: LoadedModel, why: str) -> None:
    """Refuse another model than the one that made a run, as far as their cards tell.

    Args:
        trace: The run.
        model: The model.
        why: What is done with the model that made the run, as a sentence.

    Raises:
        OptionsError: If the cards contradict each other.
    """
    card = trace.model
    if any(getattr(card, name) != getattr(model.card, name) for name in _SAME):
        raise OptionsError(
            why,
            found=_("The run is of {run}, and this is {model}.").format(
                run=card.name, model=model.card.name
            ),
            fix=_("Load that model, in its number format."),
        )
