"""How long a thread of the server keeps the interpreter to itself while others wait for it.

A model's step is some hundred short calls into torch, and each gives the interpreter away and asks
for it back. A thread that only computes in Python, such as one that imports a library, hands it
over after a whole turn each time. At Python's usual turn of 5 ms, three such threads made eight
steps of GPT-2 mini take 9.5 s in place of 0.06 s; at this turn it was 0.9 s.
"""

from __future__ import annotations

import sys

SWITCH_INTERVAL_S = 0.0005


def shorten_switch_interval() -> None:
    """Let threads take turns at least this often, in the whole process."""
    sys.setswitchinterval(min(SWITCH_INTERVAL_S, sys.getswitchinterval()))
