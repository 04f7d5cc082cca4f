"""The script that Streamlit runs: frame of every page, and which page it is."""

from __future__ import annotations

from kvviz.ui.shell import frame

frame.show()
