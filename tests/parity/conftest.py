from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache, GPT2LMHeadModel

from kvviz.engine import LoadedModel, load_model, trace_both
from kvviz.trace import CacheComparison, GenerationTrace
from tests.parity.closeness import Rounded
from tests.parity.tiny_models import N_NEW, PROMPT, TINY_MODELS, TinyModel
from tests.runs_with_logits import run_with_logits


class Replay(NamedTuple):
    """What transformers alone computes for the tokens of a trace, step by step."""

    logits: Tensor  # step vocab
    attentions: list[list[Tensor]]  # for each step and layer: head query key
    cache: DynamicCache


@dataclass(frozen=True)
class Pair(Rounded):
    """One checkpoint, loaded by kvviz and by transformers alone, and one greedy run of each."""

    case: TinyModel
    ours: LoadedModel
    plain: GPT2LMHeadModel

    @cached_property
    def trace(self) -> GenerationTrace:
        return self._run[0]

    @cached_property
    def logits(self) -> Tensor:
        return self._run[1]

    @cached_property
    def _run(self) -> tuple[GenerationTrace, Tensor]:
        trace, logits = run_with_logits(self.ours, PROMPT, N_NEW)
        return trace, torch.stack(logits)

    @cached_property
    def both(self) -> CacheComparison:
        return trace_both(self.ours, PROMPT, max_new_tokens=N_NEW)

    @cached_property
    def replay(self) -> Replay:
        cache = DynamicCache(config=self.plain.config)
        logits: list[Tensor] = []
        attentions: list[list[Tensor]] = []
        ids = torch.tensor(self.trace.token_ids)[None]
        start = 0
        with torch.no_grad():
            for stop in range(self.trace.n_prompt, self.trace.n_tokens):
                output = self.plain(
                    ids[:, start:stop],
                    past_key_values=cache,
                    use_cache=True,
                    output_attentions=True,
                    logits_to_keep=1,
                )
                logits.append(output.logits[0, -1])
                attentions.append([layer[0] for layer in output.attentions])
                start = stop
        return Replay(torch.stack(logits), attentions, cache)


@pytest.fixture(scope="session", params=TINY_MODELS, ids=lambda case: case.name)
def pair(request, tmp_path_factory) -> Pair:
    case = request.param
    folder = case.save(tmp_path_factory.mktemp("tiny"))
    ours = load_model(folder, device="cpu", dtype=case.dtype)
    return Pair(case, ours, case.load_plain(folder))
