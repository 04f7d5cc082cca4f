"""The player: a run drawn on a canvas, in the app, in a notebook or in one offline file."""

from kvviz.player.payload import pack

__all__ = ["pack"]
