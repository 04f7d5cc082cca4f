"""The decode loop: one forward pass a step, observed, timed and recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from operator import index
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from kvviz.engine.caches.encoder_decoder import EncoderDecoderRows
from kvviz.engine.caches.rows import CachedRows, RecomputedRows, Rows
from kvviz.engine.models.devices import synchronise
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.running.encoding import encode, recorded
from kvviz.engine.running.memory import environment, running
from kvviz.engine.running.sampling import TokenChooser
from kvviz.engine.running.step_log import StepLog, StepNote
from kvviz.errors import ModelFamilyError, ObservationError, OptionsError, RunCancelledError
from kvviz.trace import GenerationOptions, GenerationTrace

Progress = Callable[[int, int], object]
Cancel = Callable[[], bool]
OnLogits = Callable[[int, Float[Tensor, " vocab"]], None]


def trace_generation(
    model: LoadedModel,
    prompt: str,
    *,
    max_new_tokens: int = 24,
    use_cache: bool = True,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
    stop_ids: Sequence[int] = (),
    n_top: int = 10,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> GenerationTrace:
    """Generate tokens and record what every step did.

    The same model may be used from several threads at once.

    Args:
        model: What `kvviz.load_model` returned.
        prompt: Text to go on from; for a T5 the text that its encoder reads.
        max_new_tokens: Most tokens to generate; fewer where the model ends the text.
        use_cache: Keep K/V rows between steps, or compute every row at every step. A T5 without it
            computes its cross-attention rows at every step too; its encoder reads once either way.
        temperature: 0 for the most likely token, else the divisor of the logits.
        top_k: Sample from this many most likely tokens; all if None. Not used when greedy.
        top_p: Sample from the fewest tokens with this much probability, in (0, 1]; all if None.
            Not used when greedy.
        seed: Seed of the sampling; the same seed gives the same tokens with and without cache.
        stop_ids: Tokens that end the run besides those that end a text for the model: for a T5
            that fills blanks the sentinel after the last one. The run ends with the token in it.
        n_top: How many likely tokens each step records, at most the vocabulary.
        progress: Called after each step with the steps done and the most there can be.
        cancel: Asked before each step; True ends the run with what is there.

    Returns:
        The record of the run.

    Raises:
        ModelFamilyError: If the model is a BERT, which does not generate token by token.
        PromptError: If the prompt is empty, blank, or no text.
        OptionsError: If a setting is of the wrong type or out of its range.
        ContextLengthError: If prompt and new tokens do not fit into the model's positions.
        RunCancelledError: If cancelled before the first step.
        OutOfMemoryError: If memory runs out; what the run held has been given back.
        ObservationError: If observers of a step disagree.
    """
    options = GenerationOptions(
        max_new_tokens, use_cache, temperature, top_k, top_p, seed, checked_stops(model, stop_ids)
    )
    return run(model, prompt, options, n_top=n_top, progress=progress, cancel=cancel)


def checked_stops(model: LoadedModel, stop_ids: Sequence[int]) -> tuple[int, ...]:
    """Return the tokens that end a run as plain numbers.

    Raises:
        OptionsError: If they are no list of whole numbers, or not in the model's vocabulary.
    """
    d_vocab = model.card.d_vocab
    try:
        found = tuple(index(token_id) for token_id in stop_ids)
    except TypeError:
        found = None
    if found is None or not all(0 <= token_id < d_vocab for token_id in found):
        raise OptionsError(
            f"What ends a run must be a list of token ids from 0 to {d_vocab - 1:,}.",
            found=f"Found {stop_ids!r}."[:200],
            fix="Change it and run again.",
        )
    return found


def run(
    model: LoadedModel,
    prompt: str,
    options: GenerationOptions,
    *,
    n_top: int,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    on_logits: OnLogits | None = None,
) -> GenerationTrace:
    """Generate with checked options; `on_logits` sees the logits of each step, then they go.

    Raises:
        KvvizError: As `trace_generation`.
    """
    _check_family(model)
    if type(n_top) is not int or n_top < 1:
        raise OptionsError(
            "The number of likely tokens must be a whole number, 1 or more.",
            found=f"Found {n_top!r}.",
            fix="Change it and run again.",
        )
    prompt_ids = model.prompt_ids(prompt, options.max_new_tokens)
    return running(
        model,
        lambda: _run(model, prompt, prompt_ids, options, n_top, progress, cancel, on_logits),
        fix="Shorten the prompt, ask for fewer new tokens, or load a smaller model.",
    )


def _check_family(model: LoadedModel) -> None:
    if model.card.family == "bert":
        raise ModelFamilyError(
            "A BERT does not write token by token, and keeps no KV cache.",
            found="Under its mask every position sees every other, so that one more token changes "
            "the rows of all before it.",
            fix="Watch it read a text with trace_encoding, or load a GPT-2 or a T5 to generate.",
        )


def _run(
    model: LoadedModel,
    prompt: str,
    prompt_ids: list[int],
    options: GenerationOptions,
    n_top: int,
    progress: Progress | None,
    cancel: Cancel | None,
    on_logits: OnLogits | None,
) -> GenerationTrace:
    rows: Rows
    if model.start_id is not None:
        rows, ids = _encoder_decoder_rows(model, prompt, options), [model.start_id]
    elif options.use_cache:
        n_positions = len(prompt_ids) + options.max_new_tokens - 1
        rows, ids = CachedRows(model.card, n_positions, model.dtype, model.device), [*prompt_ids]
    else:
        rows, ids = RecomputedRows(model.card, model.device), [*prompt_ids]
    n_prompt, n_steps = len(ids), options.max_new_tokens
    chooser, log = TokenChooser(options), StepLog(model.card, n_top)
    stopped = "length"
    for number in range(n_steps):
        if cancel is not None and cancel():
            stopped = "cancelled"
            break
        note = _step(model, ids, rows, chooser)
        log.add(note)
        ids.append(note.choice.token_id)
        if on_logits is not None:
            on_logits(number, note.logits)
        if progress is not None:
            progress(len(log), n_steps)
        if ids[-1] in model.stop_ids:
            stopped = "end-of-text"
            break
        if ids[-1] in options.stop_ids:
            stopped = "stop-token"
            break
    if not len(log):
        raise RunCancelledError("The run was cancelled before its first step.", fix="Run it again.")
    final, steps = rows.final(), log.steps()
    return GenerationTrace(
        model=model.card,
        prompt=prompt,
        options=options,
        token_ids=np.array(ids, dtype=np.int64),
        tokens=[model.token_text(token_id) for token_id in ids],
        n_prompt=n_prompt,
        steps=steps,
        stopped=stopped,
        queries=final.queries,
        all_keys=final.keys,
        all_values=final.values,
        score_scale=final.score_scale,
        written_fingerprints=final.written_fingerprints,
        final_fingerprints=final.final_fingerprints,
        vocabulary={
            token_id: model.token_text(token_id)
            for step in steps
            for token_id in (*step.top_ids.tolist(), step.chosen_id)
        },
        environment=environment(model),
        position_bias=final.position_bias,
        cross=final.cross,
    )


def _encoder_decoder_rows(
    model: LoadedModel, prompt: str, options: GenerationOptions
) -> EncoderDecoderRows:
    """Let the encoder of a T5 read the prompt, and make room for the decoder's rows."""
    whole = model.tokenize_whole(prompt)
    done = encode(model, whole.token_ids, "bidirectional", len(whole.token_ids))
    encoder = recorded(model, whole, whole.token_ids, "bidirectional", (), 1, done)
    if done.states is None:
        raise ObservationError("The encoder gave nothing that the decoder could attend to.")
    return EncoderDecoderRows(
        model.card,
        done.states,
        encoder,
        options.max_new_tokens,
        options.use_cache,
        model.dtype,
        model.device,
    )


def _step(model: LoadedModel, ids: list[int], rows: Rows, chooser: TokenChooser) -> StepNote:
    """Run one forward pass over what has no row yet and choose a token.

    The clock stands still while rows are compared and fingerprinted. It runs while observers
    listen in the forward pass, which takes them about a microsecond a call.
    """
    fed = range(rows.n_kept, len(ids))
    observation = StepObservation()
    synchronise(model.device)
    start = time.perf_counter()
    tokens = torch.tensor([ids[fed.start :]], device=model.device)
    with observation.watching():
        output = model.module(
            **_inputs(model, tokens), kvviz_observation=observation, **rows.arguments
        )
    logits = output.logits[0, -1]
    choice = chooser.choose(logits)
    synchronise(model.device)
    seconds = time.perf_counter() - start
    return StepNote(fed, rows.settle(observation, fed), logits, choice, seconds)


def _inputs(model: LoadedModel, tokens: Tensor) -> dict[str, Any]:
    if model.card.family == "t5":
        return {"decoder_input_ids": tokens}
    return {"input_ids": tokens, "logits_to_keep": 1}
