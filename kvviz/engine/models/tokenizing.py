"""A tokenizer at work: whatever it fails with is an error that says so."""

from __future__ import annotations

from typing import Any

from kvviz.errors import ModelFilesError
from kvviz.translation import gettext as _


def read_text(tokenizer: Any, text: str, **asked: Any) -> Any:
    """Return what a tokenizer of transformers makes of a text.

    Args:
        tokenizer: The tokenizer.
        text: The text.
        asked: What else it is asked for.

    Raises:
        ModelFilesError: If it fails, as one does whose file contradicts itself.
    """
    try:
        return tokenizer(text, verbose=False, **asked)
    except (MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the panic of a library in Rust is no Exception
        raise unreadable(error) from error


def unreadable(error: BaseException) -> ModelFilesError:
    """Return the error of a tokenizer that cannot be used."""
    return ModelFilesError(
        _("The tokenizer cannot be read."),
        found=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}",
        fix=_("Fetch the model again."),
    )
