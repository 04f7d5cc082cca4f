"""Bytes that a browser fetches at an address of their own, and not within Streamlit's messages.

Streamlit hashes a message with what it carries each time that a part of a page is drawn, and hashes
it again before it looks whether the browser has it. An address is short, and the browser keeps what
came from it.

The address of a script is the hash of it. That of a person's buffer is a hash too, under a key of
this process: 256 bits that nobody can guess, nor tell from a run that they have made themselves.
"""

from __future__ import annotations

import gzip
import hashlib
import secrets
from dataclasses import dataclass
from threading import Lock
from typing import NotRequired, TypedDict
from weakref import WeakValueDictionary

from kvviz.translation import gettext as _
from kvviz.ui.rooms import Process

ADDRESS = "_kvviz/bytes"
"""Below the app's own address; the name of what is served there follows."""

_KEY = secrets.token_bytes(32)
_A_YEAR = "max-age=31536000, immutable"
_lock = Lock()


@dataclass(frozen=True, eq=False)
class ServedBytes:
    """What is served at one address.

    It is served as long as somebody holds it: who makes it decides how much is kept.

    Attributes:
        name: By which it is asked for; other bytes have another one.
        data: The bytes.
        media_type: What they are.
        who_keeps: Who may keep them on the way, for HTTP: ``public`` or ``private``.
        zipped: The same compressed, where that is worth it. A buffer of a run is not: its signed
            bytes become a seventh smaller, and that takes 30 ms a megabyte.
    """

    name: str
    data: bytes
    media_type: str
    who_keeps: str
    zipped: bytes | None = None

    @property
    def address(self) -> str:
        """Below the app's own address. A script is the same in every process, a buffer is not."""
        path = f"{ADDRESS}/{self.name}"
        return path if self.name.endswith(".js") else Process.read().address(path)

    @property
    def cache_control(self) -> str:
        """Says that another version has another address."""
        return f"{self.who_keeps}, {_A_YEAR}"


class Voucher(TypedDict):
    """What a front end is given instead of its buffer (`kvviz/player/js/fetched.js`).

    Attributes:
        addresses: Of the buffer, and of what belongs into it besides.
        waiting: Is said until it has come.
        late: Is said when it does not come.
        grows: Where a run that is made meanwhile is asked for; it is drawn until it is over.
    """

    addresses: list[str]
    waiting: str
    late: str
    grows: NotRequired[str]


_served: WeakValueDictionary[str, ServedBytes] = WeakValueDictionary()
_scripts: dict[str, ServedBytes] = {}


def serve_buffer(data: bytes) -> ServedBytes:
    """Serve a person's buffer as long as what is returned is held; equal ones are one."""
    name = hashlib.blake2b(data, digest_size=32, key=_KEY).hexdigest()
    return _one(ServedBytes(name, data, "application/octet-stream", "private"))


def serve_script(text: str) -> ServedBytes:
    """Serve a script as long as the process lives."""
    data = text.encode()
    name = f"{hashlib.sha256(data).hexdigest()}.js"
    zipped = gzip.compress(data, mtime=0)
    script = _one(ServedBytes(name, data, "text/javascript; charset=utf-8", "public", zipped))
    return _scripts.setdefault(name, script)


def find(name: str) -> ServedBytes | None:
    """Return what is served under a name, None if there is nothing any more."""
    return _served.get(name)


def voucher(*addresses: str, grows: str | None = None) -> Voucher:
    """Return what a front end is given to fetch a buffer by, and what belongs into it.

    Args:
        addresses: Of the buffer, and of what belongs into it; none where there is no buffer yet.
        grows: Address of a run that is made meanwhile, if there is one.
    """
    made: Voucher = {
        "addresses": [*addresses],
        "waiting": _("The picture is on its way…"),
        "late": _("The picture has not come yet. It is asked for again."),
    }
    if grows is not None:
        made["grows"] = grows
    return made


def _one(made: ServedBytes) -> ServedBytes:
    # Were a second one to take the place of the first, it would take the address with it.
    with _lock:
        return _served.setdefault(made.name, made)
