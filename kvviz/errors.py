"""Every deliberate error, in words a user can act on.

A message has three parts: what went wrong, what was found, what to do next. They are kept apart so
that a page can set them in its own way, and joined by `str()` for everybody else.
"""

from __future__ import annotations

from kvviz.translation import gettext as _


class KvvizError(Exception):
    """Base of all errors that kvviz raises on purpose.

    Args:
        what: One sentence, what went wrong.
        found: What was found instead, with the number or the name; may be empty.
        fix: What to do next, as an instruction; may be empty.
    """

    def __init__(self, what: str, *, found: str = "", fix: str = "") -> None:
        super().__init__(what, found, fix)
        self.what = what
        self.found = found
        self.fix = fix

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.found, self.fix) if part)


class PromptError(KvvizError):
    """The prompt is empty, holds nothing but white space, or is not text."""


class ContextLengthError(KvvizError):
    """Prompt plus new tokens do not fit into the positions that the model has."""


class OptionsError(KvvizError):
    """A setting of a run is out of its range or of the wrong type."""


class LimitError(KvvizError):
    """More is asked for than this installation allows a visitor, or more often."""


class ModelNotFoundError(KvvizError):
    """No bundled model, folder or hub name answers to the name given."""


class ModelFilesError(KvvizError):
    """The files of a model are missing, damaged, or do not fit its config."""


class ModelFamilyError(KvvizError):
    """The model is of a kind that this call or page cannot use."""


class NetworkError(KvvizError):
    """A model would have to be fetched and the hub cannot be reached."""


class DeviceError(KvvizError):
    """The device asked for is not on this machine, or cannot do the dtype asked for."""


class OutOfMemoryError(KvvizError):
    """The run needs more memory than the device has."""


class RunnerError(KvvizError):
    """What runs the models elsewhere cannot be reached, is of another version, or was lost."""


class RunCancelledError(KvvizError):
    """The run was cancelled before its first step, so there is nothing to show."""


class ObservationError(KvvizError):
    """Two observers of the same step disagree, so nothing can be claimed about it."""


class TraceError(KvvizError):
    """The parts of a trace contradict each other."""


class TraceFileError(KvvizError):
    """A file is no trace, or one that is damaged or of an unknown format."""


class PatternError(KvvizError):
    """An attention pattern is not one: wrong shape, or rows that do not sum to 1."""


class AlignmentError(KvvizError):
    """The tokens of two models cannot be laid side by side."""


class PayloadError(KvvizError):
    """A trace cannot be packed for the player, or a packed buffer cannot be read."""


class BrowserError(KvvizError):
    """A picture needs a browser to draw it, and there is none, or it did not."""


class PublishError(KvvizError):
    """A site cannot be published, or cannot be written where it was to be."""


class LinkError(KvvizError):
    """A link or a message from the browser holds a value that cannot be used."""


class RoomError(KvvizError):
    """A room of a class cannot be entered, or cannot do what was asked of it."""


class RoomElsewhereError(RoomError):
    """A room of that code would be in another process of the app.

    Args:
        code: The code, as it is kept.
    """

    def __init__(self, code: str) -> None:
        super().__init__(_("The room {code} is in another process of this app.").format(code=code))
        self.code = code


def said_by_system(error: OSError) -> str:
    """Return what the operating system says of an error, as what was found."""
    return _("The system says: {reason}.").format(reason=error.strerror or error)
