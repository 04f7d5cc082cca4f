"""How long a bundled model takes to load in a process that has done nothing but its imports.

Each load has a fresh process, in which no socket can be opened. The rival is what transformers
needs for the same folder: tokenizer and weights by `from_pretrained`, no observers.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from kvviz.analysis.spread import spread
from kvviz.engine.models.model_source import locate

LOADS = 3
MODELS = {
    "kvviz/gpt2-mini": "GPT2LMHeadModel",
    "kvviz/bert-mini": "BertForMaskedLM",
    "kvviz/t5-mini": "T5ForConditionalGeneration",
}

_NO_NETWORK = """
import socket, time
def refuse(*_, **__):
    raise OSError("no network in this measurement")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
"""
_KVVIZ = f"""
import kvviz, kvviz.engine
{_NO_NETWORK}
start = time.perf_counter()
kvviz.load_model({{name!r}}, device="cpu")
print(time.perf_counter() - start)
"""
# transformers imports lazily; what it would import during the load is imported before.
_TRANSFORMERS = f"""
import torch
from transformers import AutoTokenizer, BertForMaskedLM, GPT2LMHeadModel, PreTrainedTokenizerFast
from transformers import T5ForConditionalGeneration
{_NO_NETWORK}
start = time.perf_counter()
AutoTokenizer.from_pretrained({{folder!r}})
{{kind}}.from_pretrained({{folder!r}}, dtype=torch.float32).eval()
print(time.perf_counter() - start)
"""


def _seconds(program: str) -> float:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return float(done.stdout.split()[-1])


def measure(repeats: int) -> list[dict[str, Any]]:
    """Measure the load of each bundled model, in turns with the rival.

    Args:
        repeats: Turns; each starts two processes a model.

    Returns:
        One row a model: seconds after imports of kvviz and of transformers, and their ratio.
    """
    rows: list[dict[str, Any]] = []
    for name, kind in MODELS.items():
        folder = str(locate(name).folder)
        own, rival = [], []
        for _ in range(repeats):
            own.append(_seconds(_KVVIZ.format(name=name)))
            rival.append(_seconds(_TRANSFORMERS.format(folder=folder, kind=kind)))
        rows.append(
            {
                "model": name,
                "seconds": spread(own),
                "transformers_seconds": spread(rival),
                "ratio": spread([a / b for a, b in zip(own, rival, strict=True)]),
            }
        )
    return rows
