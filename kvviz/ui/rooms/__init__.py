"""Rooms of a class: who is present, where the teacher leads, what was voted. No page, no model."""

from __future__ import annotations

from kvviz.ui.rooms.poll import Poll, Question
from kvviz.ui.rooms.process import Process
from kvviz.ui.rooms.room import Member, Place, Room
from kvviz.ui.rooms.room_store import RoomStore

__all__ = ["Member", "Place", "Poll", "Process", "Question", "Room", "RoomStore"]
