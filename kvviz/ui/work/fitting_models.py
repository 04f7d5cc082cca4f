"""Which models a page can show runs of, and what is said of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvviz.errors import ModelFamilyError
from kvviz.trace import ModelCard
from kvviz.trace.model_card import Family
from kvviz.translation import gettext as _
from kvviz.ui.shell.page_list import title_of

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel


def is_for(card: ModelCard, family: Family) -> bool:
    """Whether a page for a family shows runs of a model: that for GPT-2 shows any decoder's."""
    return card.family == family or (family == "gpt2" and card.architecture == "decoder")


def require_family(model: LoadedModel, family: Family) -> None:
    """Refuse a model that another page is for.

    Raises:
        ModelFamilyError: If it is of another family.
    """
    found = model.card.family
    if is_for(model.card, family):
        return
    if found == "bert":
        raise ModelFamilyError(
            _("A BERT does not write token by token, and keeps no KV cache."),
            found=_(
                "{model} is a BERT: every position sees every other, so that one more token "
                "changes the rows of all before it."
            ).format(model=model.card.name),
            fix=_("Choose another model, or open the page “{page}” to watch one read.").format(
                page=title_of("bert_vs_gpt2")
            ),
        )
    wants = {
        "gpt2": _("This page is for a decoder, which has one cache."),
        "t5": _("This page is for a T5, which has two caches."),
    }
    place = "encoder_decoder" if found == "t5" else "kv_cache"
    raise ModelFamilyError(
        wants[family],
        found=_("{model} is a {family}.").format(model=model.card.name, family=model.family.title),
        fix=_("Choose another model, or open the page “{page}” for this one.").format(
            page=title_of(place)
        ),
    )
