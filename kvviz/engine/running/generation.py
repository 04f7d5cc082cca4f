"""The decode loop: one forward pass a step, observed, timed and recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from operator import index

import numpy as np
from jaxtyping import Float
from torch import Tensor

from kvviz.engine.caches.choice import chosen_cache, named_cache
from kvviz.engine.caches.encoder_decoder import EncoderDecoderRows
from kvviz.engine.caches.protocol import BegunRows, KVCache, Rows, RowsPlace
from kvviz.engine.caches.shared_rows import SharedRows
from kvviz.engine.models.families.t5 import decoder_bias
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.models.threads import ThreadPace, thread_count, wanted_thread_count
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.running.asked_prompt import AskedPrompt, Prompt, asked_prompt
from kvviz.engine.running.cache_fit import check_cache, is_read_in_pieces
from kvviz.engine.running.encoding import encode, recorded
from kvviz.engine.running.forward_pass import ForwardPass, PassResult, Run, pass_alone
from kvviz.engine.running.memory import environment, running
from kvviz.engine.running.prefill import Piece, pieces, together
from kvviz.engine.running.rows_place import rows_place
from kvviz.engine.running.sampling import GivenTokens, TokenChooser
from kvviz.engine.running.shared_beginning import shared_rows
from kvviz.engine.running.so_far import OnSoFar, SoFar
from kvviz.engine.running.step_log import StepLog, StepNote
from kvviz.errors import ObservationError, OptionsError, RunCancelledError
from kvviz.trace import GenerationOptions, GenerationTrace, Stop
from kvviz.translation import N_
from kvviz.translation import gettext as _

Progress = Callable[[int, int], object]
Cancel = Callable[[], bool]
OnLogits = Callable[[int, Float[Tensor, " vocab"]], None]

SMALLER = N_("Shorten the prompt, ask for fewer new tokens, or load a smaller model.")
"""What to do where a run does not fit into memory, still to be translated."""


def trace_generation(
    model: LoadedModel,
    prompt: Prompt,
    *,
    max_new_tokens: int = 24,
    use_cache: bool = True,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
    stop_ids: Sequence[int] = (),
    n_top: int = 10,
    cache: KVCache | None = None,
    first: int | None = None,
    prefix: GenerationTrace | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    so_far: OnSoFar | None = None,
) -> GenerationTrace:
    """Generate tokens and record what every step did.

    The same model may be used from several threads at once.

    Args:
        model: What `kvviz.load_model` returned.
        prompt: Text to go on from; for a T5 the text that its encoder reads. Or a conversation, a
            list of turns such as ``{"role": "user", "content": "Hello"}``, which the chat template
            of the model makes a text: it goes on with the assistant's next turn, or with its last
            one where the assistant has the last word. Or token ids, which a decoder reads as they
            are, with nothing put before them.
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
        cache: How rows are kept, one of `kvviz.caches`; None for what `use_cache` says, which is
            ``caches.Full()`` or ``caches.Recomputed()``.
        first: Tokens of the prompt that the prefill reads, all of them if None. The others are then
            read one a step, before the model chooses any.
        prefix: Another run of this model with the full cache. The rows of the tokens that the
            prompt has in common with its beginning are not computed, but taken over from it, bit
            for bit: step 0 reuses them. No row and no token is another for it, but for rounding.
        progress: Called after each step with the steps done and the most there can be.
        cancel: Asked before each step; True ends the run with what is there.
        so_far: Given the record of the run as it stands, from its first second on and as often as
            that costs little: it is ``under-way``, and true of the steps until then.

    Returns:
        The record of the run.

    Raises:
        ModelFamilyError: If the model is a BERT, which does not generate token by token.
        PromptError: If the prompt is empty, blank, or no text; or a conversation, and a turn is
            not as it should be, or the model's chat template is missing or fails; or token ids of
            which one is not in the vocabulary.
        OptionsError: If a setting is of the wrong type or out of its range, or the model takes no
            such cache, or the run cannot begin with the rows of `prefix`.
        ContextLengthError: If prompt and new tokens do not fit into the model's positions.
        RunCancelledError: If cancelled before the first step.
        OutOfMemoryError: If memory runs out; what the run held has been given back.
        ObservationError: If observers of a step disagree.
    """
    chosen = chosen_cache(cache, use_cache)
    options = GenerationOptions(
        max_new_tokens,
        chosen.keeps_rows,
        temperature,
        top_k,
        top_p,
        seed,
        checked_stops(model, stop_ids),
        named_cache(chosen),
    )
    steps = prepared(
        model,
        prompt,
        options,
        n_top=n_top,
        cache=chosen,
        first=first,
        prefix=prefix,
        progress=progress,
        cancel=cancel,
        so_far=so_far,
    )
    return run_alone(model, steps)


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
            _("What ends a run must be a list of token ids from 0 to {last:,}.").format(
                last=d_vocab - 1
            ),
            found=_("Found {found!r}.").format(found=stop_ids)[:200],
            fix=_("Change it and run again."),
        )
    return found


def prepared(
    model: LoadedModel,
    prompt: Prompt,
    options: GenerationOptions,
    *,
    n_top: int,
    cache: KVCache | None = None,
    first: int | None = None,
    prefix: GenerationTrace | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    on_logits: OnLogits | None = None,
    so_far: OnSoFar | None = None,
    begun: BegunRows | None = None,
) -> Run:
    """Return a run that is ready for its first step: who drives it makes the passes it asks for.

    The options are checked, and tell all of the cache but how it is done. `on_logits` sees the
    logits of each step, shape ``vocab``, and then they go. `begun` gives the place where the rows
    are kept, some of which may be there already; without it the cache makes a new one.

    Raises:
        KvvizError: As `trace_generation`, where the run cannot be made as asked.
    """
    chosen = chosen_cache(cache, options.use_cache)
    check_cache(model, chosen)
    if type(n_top) is not int or n_top < 1:
        raise OptionsError(
            _("The number of likely tokens must be a whole number, 1 or more."),
            found=_("Found {found!r}.").format(found=n_top),
            fix=_("Change it and run again."),
        )
    asked = asked_prompt(model, prompt, options.max_new_tokens, first)
    n_given = len(asked.given)
    shared = shared_rows(model, asked.ids, chosen, prefix)
    options = replace(
        options,
        max_new_tokens=options.max_new_tokens + n_given,
        n_given=n_given,
        n_shared=begun.n_rows if begun else 0 if shared is None else shared.n_rows,
    )
    return _steps(
        model, asked, options, chosen, begun, shared, n_top, progress, cancel, on_logits, so_far
    )


def run_alone(model: LoadedModel, steps: Run) -> GenerationTrace:
    """Drive a run by itself to its end, and return its record.

    Raises:
        KvvizError: As `trace_generation`.
    """
    return running(model, lambda: _driven(model, steps), fix=_(SMALLER))


def _driven(model: LoadedModel, steps: Run) -> GenerationTrace:
    is_fixed = model.device.type != "cpu" or wanted_thread_count() is not None
    pace = ThreadPace(model.n_threads, model.step_s, is_fixed=is_fixed)
    with closing(steps):
        try:
            asked = next(steps)
            while True:
                with thread_count(pace.n_threads):
                    made = pass_alone(model, asked)
                if len(asked.fed) == 1:
                    pace.took(made.seconds)
                asked = steps.send(made)
        except StopIteration as end:
            return end.value


def _steps(
    model: LoadedModel,
    asked: AskedPrompt,
    options: GenerationOptions,
    cache: KVCache,
    begun: BegunRows | None,
    shared: SharedRows | None,
    n_top: int,
    progress: Progress | None,
    cancel: Cancel | None,
    on_logits: OnLogits | None,
    so_far: OnSoFar | None,
) -> Run:
    rows: Rows
    ids = [*asked.ids] if model.start_id is None else [model.start_id]
    n_positions = len(ids) + options.max_new_tokens - 1
    place = rows_place(model, n_positions, len(ids), shared)
    if model.start_id is None:
        rows = (begun or cache).rows(place)
    else:
        rows = _encoder_decoder_rows(model, asked.text, cache, place)
    n_prompt, n_steps = len(ids), options.max_new_tokens
    chooser = GivenTokens(asked.given, TokenChooser(options))
    log, telling = StepLog(model.card, n_top), SoFar(so_far)
    stopped: Stop = "length"
    n_together = 1

    def record(stopped: Stop) -> GenerationTrace:
        final, steps = rows.final(), log.steps()
        named = [one for step in steps for one in (*step.top_ids.tolist(), step.chosen_id)]
        return GenerationTrace(
            model=model.card,
            prompt=asked.text,
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
            vocabulary={token_id: model.token_text(token_id) for token_id in named},
            environment=environment(model),
            n_together=n_together,
            position_bias=final.position_bias,
            turn_angles=final.turn_angles,
            packed=final.packed,
            cross=final.cross,
            conversation=asked.conversation,
            special_ids=model.special_ids & {*named, *ids} if is_decoder else frozenset(),
        )

    is_decoder = model.family.architecture == "decoder"
    can_share = is_decoder and (options.cache is None or getattr(cache, "shares_passes", False))
    # Who keeps count of passes, as where rows are begun with, has one a step.
    in_pieces = is_decoder and begun is None and is_read_in_pieces(cache)
    for number in range(n_steps):
        if cancel is not None and cancel():
            stopped = "cancelled"
            break
        fed, earlier = rows.fed(len(ids)), list[Piece]()
        *first_parts, fed = pieces(model.card, fed) if number == 0 and in_pieces else [fed]
        for part in first_parts:
            made, observation = yield from _passed(part, ids, rows, can_share)
            n_together = max(n_together, made.n_together)
            earlier.append(Piece(made, rows.settle(observation, part)))
            if cancel is not None and cancel():
                raise _cancelled()
        made, observation = yield from _passed(fed, ids, rows, can_share)
        n_together = max(n_together, made.n_together)
        note = _note(made, rows, observation, fed, chooser, earlier)
        log.add(note)
        ids.append(note.choice.token_id)
        if on_logits is not None:
            on_logits(number, note.logits)
        if progress is not None:
            progress(len(log), n_steps)
        is_given = number < options.n_given
        if ids[-1] in model.stop_ids and not is_given:
            stopped = "end-of-text"
            break
        if ids[-1] in options.stop_ids and not is_given:
            stopped = "stop-token"
            break
        if number + 1 < n_steps and telling.is_due():
            telling.tell(lambda: record("under-way"))
    if not len(log):
        raise _cancelled()
    return record(stopped)


def _encoder_decoder_rows(
    model: LoadedModel, prompt: str, cache: KVCache, place: RowsPlace
) -> EncoderDecoderRows:
    """Let the encoder of a T5 read the prompt, and make room for the decoder's rows."""
    whole = model.tokenize_whole(prompt)
    done = encode(model, whole.token_ids, "bidirectional", len(whole.token_ids))
    encoder = recorded(model, whole, whole.token_ids, "bidirectional", (), 1, done)
    if done.states is None:
        raise ObservationError(_("The encoder gave nothing that the decoder could attend to."))
    bias = partial(decoder_bias, model.module)
    return EncoderDecoderRows(cache, place, done.states, encoder, bias)


def _passed(
    fed: range, ids: list[int], rows: Rows, can_share: bool
) -> Generator[ForwardPass, PassResult, tuple[PassResult, StepObservation]]:
    """Ask for the pass that feeds these positions; return what came of it and what was seen."""
    observation, token_ids = StepObservation(), ids[fed.start : fed.stop]
    made = yield ForwardPass(fed, token_ids, rows.arguments(fed), observation, can_share)
    return made, observation


def _cancelled() -> RunCancelledError:
    return RunCancelledError(
        _("The run was cancelled before its first step."), fix=_("Run it again.")
    )


def _note(
    made: PassResult,
    rows: Rows,
    observation: StepObservation,
    fed: range,
    chooser: GivenTokens,
    earlier: Sequence[Piece],
) -> StepNote:
    """Choose a token, and take note of the step, whose last pass fed these positions.

    The clock runs while a token is chosen, and stands still while rows are compared and
    fingerprinted.
    """
    start = time.perf_counter()
    choice = chooser.choose(made.logits)
    seconds = made.seconds + time.perf_counter() - start
    done = [*earlier, Piece(made, rows.settle(observation, fed))]
    return StepNote(
        fed=range(int(done[0].rows.computed[0]), fed.stop),
        rows=together([one.rows for one in done]),
        logits=made.logits,
        passes=[one.size for one in done],
        choice=choice,
        seconds=seconds + sum(one.made.seconds for one in earlier),
    )
