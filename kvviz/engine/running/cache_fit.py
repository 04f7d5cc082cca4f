"""Which models a way of keeping rows suits."""

from __future__ import annotations

from kvviz.engine.caches.choice import is_for_every_decoder, named_cache
from kvviz.engine.caches.protocol import KVCache
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.errors import ModelFamilyError, OptionsError
from kvviz.translation import gettext as _


def is_read_in_pieces(cache: KVCache) -> bool:
    """Return whether a long prompt may be read in pieces, none of which sees another's rows go.

    Nor their rows changed: what keeps rows in another form says so by `reads_in_pieces`.
    """
    is_plain = named_cache(cache) is None
    in_pieces = getattr(cache, "reads_in_pieces", True)
    return cache.keeps_rows and in_pieces and (is_plain or is_for_every_decoder(cache))


def check_cache(model: LoadedModel, cache: KVCache) -> None:
    """Refuse a model that keeps no rows, or a way of keeping them that does not suit its own.

    Raises:
        ModelFamilyError: If the model is an encoder.
        OptionsError: If the cache does not mind what this model's rows are read by.
    """
    is_foreign = named_cache(cache) is not None and not is_for_every_decoder(cache)
    if getattr(cache, "keeps_directions", False):
        _check_plain_keys(model, cache)
    if model.family.architecture == "encoder-decoder" and is_foreign:
        raise OptionsError(
            _("A {family} does not take this way of keeping the rows of its decoder.").format(
                family=model.family.title
            ),
            found=_("Found the cache {cache!r}, and {model}.").format(
                cache=cache.name, model=model.card.name
            ),
            fix=_("Leave out the cache, or take a model that is a decoder alone."),
        )
    if model.card.windows and is_foreign:
        raise OptionsError(
            _("A model whose layers see a window does not take this way of keeping rows."),
            found=_("Found the cache {cache!r}, and {model}.").format(
                cache=cache.name, model=model.card.name
            ),
            fix=_("Leave out the cache, or take a model all of whose layers see every position."),
        )
    if getattr(cache, "renumbers", False):
        _check_turns(model)
    if model.family.architecture == "encoder":
        raise ModelFamilyError(
            _("A BERT does not write token by token, and keeps no KV cache."),
            found=_(
                "Under its mask every position sees every other, so that one more token changes "
                "the rows of all before it."
            ),
            fix=_("Watch it read a text with trace_encoding, or load another family to generate."),
        )


def _check_turns(model: LoadedModel) -> None:
    """Refuse positions to be renumbered in a model that cannot have it.

    Raises:
        OptionsError: If its keys know their positions by another way than a turn, or some of its
            layers see a window, by the very positions that are asked to be others.
    """
    found = ""
    if model.family.turn(model.module, 0, 1) is None:
        found = _("The positions of {model} are not told by turning keys.")
    elif model.card.windows:
        found = _("Some layers of {model} see a window of positions.")
    if found:
        raise OptionsError(
            _("Positions can be renumbered only where keys are turned to them, in every layer."),
            found=found.format(model=model.card.name),
            fix=_("Keep the positions, or take a Llama."),
        )


def _check_plain_keys(model: LoadedModel, cache: KVCache) -> None:
    """Refuse to keep rows in fewer numbers in a model that turns its keys to their places.

    Raises:
        OptionsError: If it does.
    """
    if model.family.architecture != "decoder" or model.family.turn(model.module, 0, 1) is None:
        return
    raise OptionsError(
        _("Rows are kept in fewer numbers only where no position turns their keys."),
        found=_(
            "Found the cache {cache!r}, and {model}, whose keys are turned, each along other "
            "directions."
        ).format(cache=cache.name, model=model.card.name),
        fix=_("Take a GPT-2, or another way of keeping rows."),
    )
