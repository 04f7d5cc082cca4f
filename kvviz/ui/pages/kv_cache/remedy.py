"""What to try instead of a run that failed."""

from __future__ import annotations

from dataclasses import replace

from kvviz.errors import ContextLengthError, DeviceError, OptionsError, OutOfMemoryError
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.parts.remedies import Remedy, another_model_helps
from kvviz.ui.work.model_names import called
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import RunSettings


def remedy(error: Exception, attempt: RunSettings) -> Remedy[RunSettings] | None:
    """Return what to try instead of a run that failed, and the words of its button.

    Returns:
        None where only the person can know what to change.
    """
    usual = RunSettings.model
    if attempt.branch and isinstance(error, (OptionsError, ContextLengthError)):
        return _("Show the run without the branch"), attempt.plain
    if isinstance(error, OptionsError) and not attempt.is_plain:
        return _("Run it with every row"), attempt.plain
    if isinstance(error, ContextLengthError):
        model = model_store().peek(attempt)
        room = 0 if model is None else model.card.n_ctx - model.count_tokens(attempt.asked)
        if room < 1:
            return None
        label = ngettext(
            "Generate {n:,} new token instead", "Generate {n:,} new tokens instead", room
        ).format(n=room)
        return label, replace(attempt, new=room)
    if another_model_helps(error, attempt.model, usual, "gpt2"):
        return _("Run it with {model}").format(model=called(usual)), replace(attempt, model=usual)
    if isinstance(error, (DeviceError, OutOfMemoryError)):
        plain = replace(attempt, device="auto", dtype="float32")
        is_plain = attempt.device == "auto" and attempt.dtype in ("auto", "float32")
        if isinstance(error, DeviceError) and not is_plain:
            return _("Run it in float32 where it fits"), plain
        if attempt.device != "cpu":
            return _("Run it on the CPU"), replace(plain, device="cpu")
    return None
