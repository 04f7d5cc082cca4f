"""What the person who starts the app can set, read from environment variables.

| variable | default | meaning |
|---|---|---|
| `KVVIZ_MODELS` | empty | Models that may be loaded besides the bundled ones. Empty: what was added here, and what a person on this very machine types. `bundled`: no others. `*`: any, by anyone, also from a link. Else names, folders or patterns with `*`, separated by commas. |
| `KVVIZ_DEVICE` | `auto` | Device on which runs start: `auto`, `cuda`, `mps` or `cpu`. |
| `KVVIZ_MAX_NEW_TOKENS` | `1024` | Most new tokens that one run may ask for, 1 to 100,000. |
| `KVVIZ_CONCURRENCY` | `2` | Runs that go on at the same time, 1 to 64; the others wait in line. |

"On this very machine" is read off the connection's address. Behind a proxy every visitor seems to be
local, so a public installation sets `KVVIZ_MODELS=bundled` or names what it offers.
"""  # noqa: E501 - a table row is one line

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from kvviz.errors import ModelNotFoundError, OptionsError
from kvviz.published import model_home
from kvviz.published.catalogue import CATALOGUE, PREFIX
from kvviz.translation import gettext as _

DEVICES = ("auto", "cuda", "mps", "cpu")
"""What a person can choose from."""

BUNDLED = re.compile(r"kvviz/[A-Za-z0-9][A-Za-z0-9_-]*")
"""What the name of a bundled model looks like: it can be no path out of its folder."""


@dataclass(frozen=True)
class Environment:
    """The checked settings of one installation.

    Attributes:
        models: Patterns of model names that may be loaded besides the bundled ones, or None if
            a local person decides by typing one.
        device: Device on which runs start.
        max_new_tokens: Most new tokens of one run.
        concurrency: Runs that go on at the same time.
    """

    models: tuple[str, ...] | None
    device: str
    max_new_tokens: int
    concurrency: int

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None) -> Environment:
        """Read and check the variables, those of the process if none are given.

        Raises:
            OptionsError: If a number is none or out of its range.
        """
        variables = os.environ if variables is None else variables
        models = variables.get("KVVIZ_MODELS", "").strip()
        return cls(
            models=tuple(name.strip() for name in models.split(",")) if models else None,
            device=variables.get("KVVIZ_DEVICE", "").strip() or "auto",
            max_new_tokens=_whole(variables, "KVVIZ_MAX_NEW_TOKENS", 1024, 100_000),
            concurrency=_whole(variables, "KVVIZ_CONCURRENCY", 2, 64),
        )

    def allows(self, model: str, *, typed_here: bool) -> bool:
        """Say whether a model may be loaded.

        Args:
            model: Its name, hub id or folder.
            typed_here: Whether a person on this machine asked for it by hand, not a link and not
                somebody elsewhere.
        """
        is_published = model.removeprefix(PREFIX) in CATALOGUE
        if BUNDLED.fullmatch(model) and not is_published:
            return True
        if self.models is None:
            # Who runs the app has added it, so that it loads from this machine's own disk.
            return typed_here or (is_published and model in model_home.at_hand())
        return any(fnmatchcase(model, pattern) for pattern in self.models)

    def require(self, model: str, *, typed_here: bool) -> None:
        """Refuse a model that may not be loaded.

        Raises:
            ModelNotFoundError: With what may be loaded instead.
        """
        if self.allows(model, typed_here=typed_here):
            return
        offered = [name for name in self.models or () if name != "bundled"]
        choose = (
            _("Choose a bundled model, or one of: {models}.").format(models=", ".join(offered))
            if offered
            else _("Choose a bundled model.")
        )
        raise ModelNotFoundError(
            _("This installation does not load that model."),
            found=_("Asked for {model!r}.").format(model=model),
            fix=f"{choose} {_('Who runs the app can allow more with KVVIZ_MODELS.')}",
        )


def _whole(variables: Mapping[str, str], name: str, default: int, largest: int) -> int:
    text = variables.get(name, "").strip()
    if not text:
        return default
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= largest:
        raise OptionsError(
            _("{name} needs a whole number from 1 to {largest:,}.").format(
                name=name, largest=largest
            ),
            found=_("It is {found!r}.").format(found=text),
            fix=_("Set it right, or leave it out, and start the app again."),
        )
    return number
