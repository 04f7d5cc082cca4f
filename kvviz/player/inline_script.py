"""The script of a document that needs nothing from outside: a bundle within the document itself.

A document may run this script and no other: its content security policy names it by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import re

_EXPORTS = re.compile(r"\bexport\s*\{(?P<names>[^{}]*)\}\s*;?\s*\Z")
# not for people: a content security policy
_POLICY = (
    "default-src 'none'; script-src 'sha256-{script_hash}'; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)


def taken_apart(bundle: str) -> tuple[str, dict[str, str]]:
    """Return a bundle without its closing ``export {...}``, and what that would have exported.

    A module that stands in a document cannot be imported by name, so whatever follows the bundle
    calls its functions by the names that they have within.

    Returns:
        The rest of the bundle, and the local name of each exported one; none where the bundle does
        not end with an export.
    """
    exports = _EXPORTS.search(bundle)
    if exports is None:
        return bundle, {}
    names: dict[str, str] = {}
    for part in exports["names"].split(","):
        local, _as, exported = " ".join(part.split()).partition(" as ")
        names[exported or local] = local
    return bundle[: exports.start()], names


def within_an_element(script: str) -> str:
    """Return a script in which nothing ends the element that it stands in."""
    # Both have the same meaning in a script's strings.
    return re.sub(r"<(?=/script)", r"<\\", script.replace("<!--", r"<\!--"), flags=re.IGNORECASE)


def policy(script: str) -> str:
    """Return the content security policy of a document: this script, its styles, no request."""
    digest = hashlib.sha256(script.encode()).digest()
    return _POLICY.format(script_hash=base64.b64encode(digest).decode())
