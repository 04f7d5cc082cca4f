"""The rows of a prompt's beginning that another run of the model has computed already."""

from __future__ import annotations

from collections.abc import Sequence

from kvviz.engine.caches.protocol import KVCache
from kvviz.engine.caches.shared_rows import SharedRows
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.errors import OptionsError
from kvviz.trace import GenerationTrace
from kvviz.trace.row_fingerprints import row_fingerprints
from kvviz.translation import gettext as _


def n_shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens two texts have in common at their beginnings."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def shared_rows(
    model: LoadedModel, ids: Sequence[int], cache: KVCache, prefix: GenerationTrace | None
) -> SharedRows | None:
    """Return the rows of another run that a prompt can begin with.

    They are those of the tokens that both have in common from the first on: under a causal mask a
    row depends on what stands before it and on nothing else. The last token of the prompt is left
    to the run itself, which has to look from there for the next one.

    Args:
        model: The model.
        ids: Tokens of the prompt that the prefill reads.
        cache: How rows are kept.
        prefix: The other run; it may have gone on from there to another text.

    Returns:
        The rows, None where no run was given, or it has no token in common.

    Raises:
        OptionsError: If either run does not keep every row, the other is of another model, or of
            numbers of which a record does not hold all bits.

    Source: Zheng et al. (2023), "SGLang: Efficient Execution of Structured Language Model
    Programs", section 3.
    """
    if prefix is None:
        return None
    if not isinstance(prefix, GenerationTrace):
        raise _refused(
            _("What a run begins with is the trace of another run."),
            _("Found {found!r}.").format(found=prefix)[:200],
            _("Give what trace_generation returned."),
        )
    if model.family.architecture != "decoder" or model.card.windows or cache.name != "full":
        raise _refused(
            _("Only a decoder that keeps every row begins with the rows of another run yet."),
            _("Found the cache {cache!r}, and {model}.").format(
                cache=cache.name, model=model.card.name
            ),
            _("Leave out the prefix, or the cache, or take another model."),
        )
    if prefix.model != model.card:
        raise _refused(
            _("Rows of one model mean nothing to another."),
            _(
                "The prefix is a run of {other} in {its_dtype}, and this is {model} in {dtype}."
            ).format(
                other=prefix.model.name,
                its_dtype=prefix.model.dtype,
                model=model.card.name,
                dtype=model.card.dtype,
            ),
            _("Run the beginning with this model."),
        )
    if prefix.options.cache_name != "full":
        raise _refused(
            _("A run shares its rows if it kept every one of them."),
            _("The prefix was run with the cache {cache!r}.").format(
                cache=prefix.options.cache_name
            ),
            _("Run the beginning with the full cache."),
        )
    n = min(n_shared(ids, prefix.token_ids.tolist()), prefix.n_rows, len(ids) - 1)
    if not n:
        return None
    keys, values = prefix.all_keys[:, :, :n], prefix.all_values[:, :, :n]
    if row_fingerprints(keys[:, :, :1], model.card.dtype) is None:
        raise _refused(
            _("Rows are shared to the last bit, and a trace keeps them in float32."),
            _("{model} was loaded in {dtype}.").format(
                model=model.card.name, dtype=model.card.dtype
            ),
            _("Load it in float32."),
        )
    queries, written = prefix.queries[:, :, :n], prefix.written_fingerprints[:, :, :n]
    # Copies: a trace's own arrays are not to be written to, by PyTorch neither.
    return SharedRows(*(one.copy() for one in (keys, values, queries, written)))


def _refused(law: str, found: str, fix: str) -> OptionsError:
    return OptionsError(law, found=found, fix=fix)
