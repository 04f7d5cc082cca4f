"""What the person who starts the app can set, read from environment variables.

| variable | default | meaning |
|---|---|---|
| `KVVIZ_MODELS` | empty | Models that may be loaded besides the bundled ones. Empty: what was added here, and what a person on this very machine types. `bundled`: no others. `*`: any, by anyone, also from a link. Else names, folders or patterns with `*`, separated by commas. |
| `KVVIZ_DEVICE` | `auto` | Device on which runs start: `auto`, `cuda`, `mps` or `cpu`. |
| `KVVIZ_MODE` | `laptop` | Who the app is open to: `laptop`, `classroom` or `public`; with the variables of its caps in `kvviz.ui.shell.mode`. |
| `KVVIZ_TRUSTED_HEADER` | empty | Header in which a proxy before the app names the visitor's address. Empty: no header is believed. |
| `KVVIZ_TEACHER_KEY` | made at the start | The key by which rooms are opened in a classroom, 16 letters or more; then it is not printed. |
| `KVVIZ_PROCESS` | empty | Which of several processes behind one address this is: the letters with which codes of its rooms begin, as a range such as `b-k` (`kvviz.ui.rooms.process`). Empty: the only one. |
| `KVVIZ_CONCURRENCY` | `2` | Runs that go on at the same time, 1 to 64; the others wait in line. |
| `KVVIZ_RUNNER` | `local` | Who makes the runs: `local`, this process, or `ray`, the replicas of `deploy/ray_serve.yaml`. |
| `KVVIZ_RAY_URL` | `http://127.0.0.1:8000/` | Where the proxy of Ray Serve listens, if runs are made there. |

"On this very machine" is read off the connection's address. Behind a proxy every visitor seems to be
local unless `KVVIZ_TRUSTED_HEADER` is set, so an installation for others sets `KVVIZ_MODE`: in a
class and in public nobody's visitor names a model, and `KVVIZ_MODELS` lists, without patterns, what
is offered besides what ships and what was added here.
"""  # noqa: E501 - a table row is one line

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from kvviz.errors import ModelNotFoundError, OptionsError
from kvviz.published import model_home
from kvviz.published.catalogue import CATALOGUE, PREFIX
from kvviz.translation import gettext as _
from kvviz.ui.rooms.process import ONLY, Process
from kvviz.ui.shell.mode import LAPTOP, Mode, whole_number

RUNNERS = ("local", "ray")
"""Who can make runs."""

RAY_URL = "http://127.0.0.1:8000/"
"""Where the proxy of Ray Serve listens unless it is told otherwise."""

DEVICES = ("auto", "cuda", "mps", "cpu")
"""What a person can choose from."""

BUNDLED = re.compile(r"kvviz/[A-Za-z0-9][A-Za-z0-9_-]*")
"""What the name of a bundled model looks like: it can be no path out of its folder."""

ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
SECRET = re.compile(r"//[^/@]*@")
"""Who may come in, where an address says that: it is not repeated."""
HEADER = re.compile(r"[a-z][a-z0-9-]{0,60}")
PATTERN = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Environment:
    """The checked settings of one installation.

    Attributes:
        models: Patterns of model names that may be loaded besides the bundled ones, or None if
            a local person decides by typing one.
        device: Device on which runs start.
        max_new_tokens: Most new tokens of one run.
        concurrency: Runs that go on at the same time.
        mode: Who the app is open to, and what a visitor may ask of it.
        trusted_header: Header in which a proxy names a visitor's address, in small letters; empty
            where none is believed.
        runner: Who makes the runs, one of `RUNNERS`.
        ray_url: Where the proxy of Ray Serve listens, with a slash at the end.
        process: Which of several processes behind one address it is.
    """

    models: tuple[str, ...] | None
    device: str
    max_new_tokens: int
    concurrency: int
    mode: Mode = LAPTOP
    trusted_header: str = ""
    runner: str = "local"
    ray_url: str = RAY_URL
    process: Process = ONLY

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None) -> Environment:
        """Read and check the variables, those of the process if none are given.

        Raises:
            OptionsError: If a number is none or out of its range, the mode or who makes the runs
                is unknown, what is trusted is no header's name, what listens has no address of
                HTTP, the process is no range of letters, or models are named by a pattern where a
                visitor may name none.
        """
        variables = os.environ if variables is None else variables
        mode = Mode.read(variables)
        models = variables.get("KVVIZ_MODELS", "").strip()
        named = tuple(name.strip() for name in models.split(",")) if models else None
        if not mode.is_open:
            _require_names(named or (), mode)
        header = variables.get("KVVIZ_TRUSTED_HEADER", "").strip().lower()
        if header and not HEADER.fullmatch(header):
            raise OptionsError(
                _("{name} needs the name of one header, such as X-Real-IP.").format(
                    name="KVVIZ_TRUSTED_HEADER"
                ),
                found=_("It is {found!r}.").format(found=header[:40]),
                fix=_("Set it right, or leave it out, and start the app again."),
            )
        runner = variables.get("KVVIZ_RUNNER", "").strip() or RUNNERS[0]
        if runner not in RUNNERS:
            raise OptionsError(
                _("{name} is one of {modes}.").format(
                    name="KVVIZ_RUNNER", modes=", ".join(RUNNERS)
                ),
                found=_("It is {found!r}.").format(found=runner[:40]),
                fix=_("Set it right, or leave it out, and start the app again."),
            )
        return cls(
            models=named,
            device=variables.get("KVVIZ_DEVICE", "").strip() or "auto",
            max_new_tokens=mode.new_tokens,
            concurrency=whole_number(variables, "KVVIZ_CONCURRENCY", 2, 64) or 2,
            mode=mode,
            trusted_header=header,
            runner=runner,
            ray_url=_address(variables),
            process=Process.read(variables),
        )

    @property
    def listed(self) -> tuple[str, ...]:
        """Models that who runs the app offers by name, where a visitor may name none."""
        if self.mode.is_open:
            return ()
        return tuple(name for name in self.models or () if name and name != "bundled")

    def allows(self, model: str, *, typed_here: bool) -> bool:
        """Say whether a model may be loaded.

        Args:
            model: Its name, hub id or folder.
            typed_here: Whether a person on this machine asked for it by hand, not a link and not
                somebody elsewhere. It counts for nothing where a visitor may name no model.
        """
        is_published = model.removeprefix(PREFIX) in CATALOGUE
        if BUNDLED.fullmatch(model) and not is_published:
            return True
        if self.models is None:
            # Who runs the app has added it, so that it loads from this machine's own disk.
            is_typed = typed_here and self.mode.is_open
            return is_typed or (is_published and model in model_home.at_hand())
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


def _address(variables: Mapping[str, str]) -> str:
    """Return where the proxy of Ray Serve listens, with a slash at the end.

    Raises:
        OptionsError: If that is no address of HTTP, or more than one.
    """
    found = variables.get("KVVIZ_RAY_URL", "").strip() or RAY_URL
    try:
        is_right = ADDRESS.fullmatch(found) and urlsplit(found).port != 0
    except ValueError:
        is_right = False
    if not is_right:
        raise OptionsError(
            _("{name} needs the address of Ray Serve’s proxy, such as {example}.").format(
                name="KVVIZ_RAY_URL", example=RAY_URL
            ),
            found=_("It is {found!r}.").format(found=SECRET.sub("//…@", found)[:80]),
            fix=_("Set it right, or leave it out, and start the app again."),
        )
    return found.rstrip("/") + "/"


def _require_names(models: tuple[str, ...], mode: Mode) -> None:
    """Refuse patterns where only what is listed is loaded: by one a visitor would name a model.

    Raises:
        OptionsError: If one of them is a pattern.
    """
    for name in models:
        if PATTERN.search(name):
            raise OptionsError(
                _("In the mode {mode}, {name} lists models by their full names.").format(
                    mode=mode.name, name="KVVIZ_MODELS"
                ),
                found=_("It is {found!r}.").format(found=name[:80]),
                fix=_("Name each model, and start the app again."),
            )
