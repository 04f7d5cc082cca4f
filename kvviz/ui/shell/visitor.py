"""Who asks: a browser by the name that it was given, and the address that it comes from.

Neither proves who somebody is. A name can be thrown away, so an address has caps of its own, which
are wider: a class, a household or a library has one.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

import streamlit as st
from starlette.datastructures import Headers
from starlette.types import Scope
from streamlit.runtime.scriptrunner import get_script_run_ctx

COOKIE = "kvviz_visitor"
PEER = "kvviz.peer"
"""Of a request's scope: the other end of the connection, whatever a header says
(`kvviz.ui.shell.peer`)."""
TOLD = b"x-kvviz-visitor"
"""Header by which the session gate tells a page's script who asks; what a client sends under this
name is thrown away."""
V6_PREFIX = 64
"""Bits of an IPv6 address that a provider gives to one customer, who makes up the others."""

_NAME = re.compile(r"[\w-]{16,64}")


@dataclass(frozen=True)
class Visitor:
    """Who asks.

    Attributes:
        name: Of the browser, else of the tab; empty where neither is known yet.
        address: In the network, as it is counted; empty where there is none.
    """

    name: str
    address: str

    @classmethod
    def of(cls, scope: Scope, trusted_header: str = "") -> Visitor:
        """Return who makes a request.

        Args:
            scope: Of the request or of the connection.
            trusted_header: Header in which a proxy names the address, in small letters; without
                one no header is read.
        """
        headers = Headers(scope=scope)
        return cls(_name(headers.get("cookie", "")), _address(scope, headers, trusted_header))

    @classmethod
    def here(cls) -> Visitor:
        """Return whom the script on this thread draws for."""
        context = get_script_run_ctx(suppress_warning=True)
        if context is None:
            return cls("", "")
        name, _, address = str(st.context.headers.get(TOLD.decode()) or "").partition(" ")
        return cls(context.session_id if name in ("", "-") else name, address)

    @property
    def told(self) -> bytes:
        """The same as the value of a header."""
        return f"{self.name or '-'} {self.address}".encode()

    @property
    def is_local(self) -> bool:
        """Whether the address is of this very machine."""
        return self.address.startswith("127.") or self.address == "::1"


def new_name() -> str:
    """Return a name for a browser that has none, which nobody can guess."""
    return secrets.token_urlsafe(16)


def counted(address: str) -> str:
    """Return an address as it is counted, empty if it is none.

    Of IPv6 it is the network that a provider gives to a customer.

    Example:
        >>> counted("2001:db8:1:2:3:4:5:6"), counted("::ffff:192.0.2.7"), counted("me")
        ('2001:db8:1:2::', '192.0.2.7', '')
    """
    try:
        found = ipaddress.ip_address(address.strip().strip("[]").partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return f"{found}"
    if found.ipv4_mapped is not None:
        return f"{found.ipv4_mapped}"
    if found.is_loopback:
        return f"{found}"
    return f"{ipaddress.ip_network((found, V6_PREFIX), strict=False).network_address}"


def _name(cookies: str) -> str:
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None and _NAME.fullmatch(found.value) else ""


def _address(scope: Scope, headers: Headers, trusted_header: str) -> str:
    if trusted_header:
        # The last one is what the proxy next to the app has seen; those before anybody can write.
        told = ",".join(headers.getlist(trusted_header)).rpartition(",")[2]
        if address := counted(told):
            return address
    peer = scope.get(PEER) or scope.get("client")
    return counted(peer[0]) if peer else ""
