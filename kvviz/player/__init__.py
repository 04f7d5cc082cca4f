"""The player: a run drawn on a canvas, in the app, in a notebook or in one offline file."""

from kvviz.player.document import export_html, html_document, notebook_html
from kvviz.player.payload import fingerprint, pack

__all__ = ["export_html", "fingerprint", "html_document", "notebook_html", "pack"]
