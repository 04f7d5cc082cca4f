"""The run itself: steps, the log, the film, checkpoints, and a clean stop on a signal."""

from __future__ import annotations

import json
import platform
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor

from training.batches import TOKENS_PER_BATCH, Batches, Rows
from training.budget import Budget
from training.checkpoint import Checkpoint, Progress, load_checkpoint, save_checkpoint
from training.corpus import HELDOUT_FILE, read_corpus
from training.errors import CheckpointError, TrainingError
from training.files import write_whole
from training.film import append_line, points_due, take_point
from training.models import build_model
from training.objectives import objective_for, to_tensors
from training.optimiser import Optimiser
from training.packing import PackedCorpus
from training.recipes import Recipe

CHECKPOINT, LOG, FILM, TOKENIZER = "checkpoint.pt", "log.jsonl", "film.jsonl", "tokenizer.json"
LOG_EVERY_STEPS = 20
SAVE_EVERY_SECONDS = 240.0
N_FILM_ROWS, N_FILM_CTX = 16, 256


@dataclass(frozen=True)
class RunOptions:
    """Where and how to run; beyond rounding nothing here changes what is learnt.

    Attributes:
        out: Folder for checkpoint, log and film.
        device: Where the model runs.
        compile: Whether torch.compile fuses the forward and backward pass.
        resume: Whether to go on from the checkpoint in `out`.
        bfloat16: Whether products are in bfloat16, or else in float32.
    """

    out: Path
    device: torch.device
    compile: bool
    resume: bool
    bfloat16: bool = True


class Run:
    """One training run.

    Args:
        recipe: What is trained and how.
        corpus: The packed tokens.
        corpus_folder: Where the held-out text for the film is read from.
        seed: Of the weights and the batches.
        options: Where and how.

    Raises:
        CheckpointError: Resuming, and the checkpoint is missing, damaged, or of another run; not
            resuming, and there is one already.
    """

    def __init__(
        self,
        recipe: Recipe,
        corpus: PackedCorpus,
        corpus_folder: Path,
        seed: int,
        options: RunOptions,
    ) -> None:
        torch.manual_seed(seed)
        self._recipe = recipe
        self._options = options
        self._tokenizer = corpus.tokenizer
        self._batches = Batches(corpus.tokens, seed, recipe.shape.n_ctx)
        self._seed = seed
        self._objective = objective_for(recipe.shape.family, recipe.shape.d_vocab)
        self._model = build_model(recipe.shape)
        torch.nn.Module.to(self._model, options.device)
        self._optimiser = Optimiser(self._model, recipe, bfloat16=options.bfloat16)
        self._heldout = _film_rows(corpus, corpus_folder)
        self._run = {
            "recipe": recipe.name,
            "seed": seed,
            "corpus": corpus.origin,
            "torch": str(torch.__version__),  # a plain string: checkpoints load weights only
            "transformers": transformers.__version__,
            "device": describe_device(options.device),
            "threads": str(torch.get_num_threads()),
            "compiled": options.compile,
            "precision": "bf16 autocast" if options.bfloat16 else "float32",
        }
        self._progress = Progress(step=0, tokens=0, seconds=0.0, started=0.0, film_points=0)
        path = options.out / CHECKPOINT
        if options.resume:
            self._resume(load_checkpoint(path, recipe.shape))
        elif path.exists():
            raise CheckpointError(
                "There is a run in this folder already.",
                found=f"{path} exists.",
                fix="Go on with --resume, or give another folder with --out.",
            )
        else:
            for name in (LOG, FILM):
                (options.out / name).unlink(missing_ok=True)
        write_whole(options.out / TOKENIZER, corpus.tokenizer.to_str().encode())

    @property
    def progress(self) -> Progress:
        """How far the run has come."""
        return self._progress

    def train(self, budget: Budget, pause_at: int | None = None) -> bool:
        """Trains until the budget is spent, a stop signal comes or a step is reached; saves then.

        Args:
            budget: Decides the schedule and the end.
            pause_at: Step before which to stop, to go on later with another budget.

        Returns:
            True when the budget is spent, False where there is more to do.
        """
        self._tell("budget", budget.text)
        state = self._progress
        started = state.started or time.time()
        before = time.monotonic() - state.seconds
        saved = time.monotonic()
        step, film_points = state.step, state.film_points
        forward, device = self._forward(), self._options.device
        window_loss, window_steps, window_start = 0.0, 0, time.monotonic()
        with _StopSignal() as stop:
            while True:
                seconds = time.monotonic() - before
                tokens = step * TOKENS_PER_BATCH
                share = min(1.0, budget.progress(tokens, seconds, started))
                if points_due(share) > film_points:
                    self._film(step, tokens, share)
                    film_points = points_due(share)
                finished = share >= 1.0
                self._progress = Progress(step, tokens, seconds, started, film_points)
                paused = stop.asked or step == pause_at
                if finished or paused or time.monotonic() - saved > SAVE_EVERY_SECONDS:
                    self._save()
                    saved = time.monotonic()
                if finished or paused:
                    return finished
                phase, rate = self._recipe.phase(share), self._recipe.rate(step, share)
                rows = self._batches.batch(step, phase.n_ctx, phase.mixture)
                self._suit_attention(phase.n_ctx)
                draw = np.random.default_rng([self._seed, 2, step])
                loss = forward(*to_tensors(self._objective.inputs(rows, draw), device))
                loss.backward()
                norm = self._optimiser.step(rate)
                window_loss += float(loss.detach())
                window_steps += 1
                step += 1
                if window_steps == LOG_EVERY_STEPS:
                    taken = time.monotonic() - window_start
                    self._log(
                        step=step,
                        tokens=step * TOKENS_PER_BATCH,
                        progress=round(share, 5),
                        loss=round(window_loss / window_steps, 4),
                        rate=round(rate, 4),
                        norm=round(norm, 3),
                        n_ctx=phase.n_ctx,
                        tokens_per_second=round(window_steps * TOKENS_PER_BATCH / taken),
                        seconds=round(time.monotonic() - before, 1),
                    )
                    window_loss, window_steps, window_start = 0.0, 0, time.monotonic()

    def _forward(self) -> Callable[..., Tensor]:
        kind = self._options.device.type

        def forward(*inputs: Tensor) -> Tensor:
            with torch.autocast(kind, dtype=torch.bfloat16, enabled=self._options.bfloat16):
                return self._objective.loss(self._model, *inputs)

        return torch.compile(forward, dynamic=False) if self._options.compile else forward

    def _suit_attention(self, n_ctx: int) -> None:
        """Takes the faster of two ways to compute the same attention.

        On a CPU, written out and fused by the compiler, short rows and narrow heads go 1.5 times
        as fast in bfloat16, step for step, as through torch's own kernel (rows of 128, one
        thread); rows of 1,024 go 1.5 times as slow, and float32 gains nothing.
        """
        on_cpu = self._options.device.type == "cpu"
        written_out = self._options.compile and self._options.bfloat16 and on_cpu and n_ctx <= 256
        wanted = "eager" if written_out else "sdpa"
        if self._model.config._attn_implementation != wanted:
            self._model.set_attn_implementation(wanted)

    def _film(self, step: int, tokens: int, share: float) -> None:
        self._model.eval()
        point = take_point(self._model, self._recipe.shape.family, self._tokenizer, self._heldout)
        self._model.train()
        record = {"step": step, "tokens": tokens, "progress": round(share, 5)} | point
        append_line(self._options.out / FILM, record)

    def _tell(self, key: str, value: str) -> None:
        """Notes how the run goes on, behind how it went so far."""
        told = self._run.get(key)
        if told is None:
            self._run[key] = value
        elif str(told).split(", then ")[-1] != value:
            self._run[key] = f"{told}, then {value}"

    def _log(self, **record: Any) -> None:
        append_line(self._options.out / LOG, record)
        print(
            f"step {record['step']:>6}  {record['tokens'] / 1e6:7.2f}M tokens  "
            f"{record['progress']:6.1%}  loss {record['loss']:.3f}  rate {record['rate']:.2f}  "
            f"{record['tokens_per_second']:,} tokens/s",
            flush=True,
        )

    def _save(self) -> None:
        save_checkpoint(
            self._options.out / CHECKPOINT,
            Checkpoint(
                model=self._model.state_dict(),
                optimiser=self._optimiser.state_dict(),
                progress=self._progress,
                shape=self._recipe.shape,
                run=self._run,
            ),
        )

    def _resume(self, checkpoint: Checkpoint) -> None:
        for key in ("recipe", "seed", "corpus"):
            if checkpoint.run[key] != self._run[key]:
                raise CheckpointError(
                    f"The checkpoint belongs to a run with another {key}.",
                    found=f"It has {checkpoint.run[key]}, this run {self._run[key]}.",
                    fix="Resume with the same settings, or give another folder with --out.",
                )
        started = {key: self._run[key] for key in ("device", "threads", "precision")}
        self._run |= checkpoint.run
        # A run may move or be given more threads; the card tells all of it.
        for key, value in started.items():
            self._tell(key, value)
        self._model.load_state_dict(checkpoint.model)
        self._optimiser.load_state_dict(checkpoint.optimiser)
        self._progress = checkpoint.progress
        for name in (LOG, FILM):
            _forget_later_lines(self._options.out / name, checkpoint.progress.step)


class _StopSignal(AbstractContextManager["_StopSignal"]):
    """Turns the first SIGINT or SIGTERM into a wish to stop after the current step."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> _StopSignal:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


def pick_device(name: str) -> torch.device:
    """Returns the device of a name; "auto" takes a GPU where there is one.

    Raises:
        TrainingError: A GPU is asked for and there is none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise TrainingError("This machine has no GPU that torch can use.", fix="Use --device cpu.")
    return torch.device(name)


def can_compile(device: torch.device) -> bool:
    """Tells whether torch.compile has the compiler it needs."""
    return device.type == "cuda" or shutil.which("g++") is not None


def has_bfloat16(device: torch.device) -> bool:
    """Tells whether products in bfloat16 are the device's own; imitated, they take longer."""
    if device.type == "cuda":
        return True
    can = torch.cpu.get_capabilities()
    return bool(can.get("avx512_bf16") or can.get("amx_bf16") or can.get("bf16"))


def describe_device(device: torch.device) -> str:
    """Returns the name of the processor, for the card."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    names = (
        line.partition(":")[2].strip()
        for line in (cpuinfo.read_text().splitlines() if cpuinfo.exists() else ())
        if line.startswith("model name")
    )
    return f"{next(names, platform.processor() or platform.machine())} (CPU)"


def _film_rows(corpus: PackedCorpus, folder: Path) -> Rows:
    documents = read_corpus(folder, (HELDOUT_FILE,)).documents
    encoded = corpus.tokenizer.encode_batch_fast(list(documents), add_special_tokens=False)
    ids = np.array([i for e in encoded for i in e.ids], dtype=np.int64)
    stride = (len(ids) - N_FILM_CTX - 1) // N_FILM_ROWS
    tokens = np.stack([ids[i * stride :][: N_FILM_CTX + 1] for i in range(N_FILM_ROWS)])
    return Rows(tokens, np.tile(np.arange(N_FILM_CTX), (N_FILM_ROWS, 1)))


def _forget_later_lines(path: Path, step: int) -> None:
    """Drops log lines written after the checkpoint: those steps are about to be run again."""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if json.loads(line)["step"] <= step]
        write_whole(path, "".join(kept).encode())
