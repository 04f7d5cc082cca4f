"""``contract.json``, which this package and the player in the browser both read."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

CONTRACT: dict[str, Any] = json.loads(files("kvviz.player").joinpath("contract.json").read_text())
"""Names, dtypes and shapes of all that a packed run holds."""
