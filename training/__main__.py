"""The command line: `python -m training train | export | evaluate`."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path

import torch

from training.budget import Budget, minute_budget, parse_deadline, token_budget
from training.errors import TrainingError
from training.evaluation import evaluate
from training.export import export
from training.loop import Run, RunOptions, can_compile, has_bfloat16, pick_device
from training.packing import load_packed
from training.recipes import RECIPES, recipe_named

DEFAULT_MINUTES = 120.0
_TWIN = "for a BERT or a Llama: the GPT-2 to compare it with"


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit code, 2 for input that cannot be used."""
    options = _parser().parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        options.run(options)
    except TrainingError as error:
        print(f"training: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    train = commands.add_parser("train", help="train a model from scratch")
    train.add_argument("model", help=f"one of: {', '.join(sorted(RECIPES))}")
    train.add_argument("--corpus", type=Path, required=True, help="folder with the .xz files")
    train.add_argument("--out", type=Path, help="folder of the run (default .train/MODEL)")
    budget = train.add_mutually_exclusive_group()
    budget.add_argument("--tokens", type=int, help="stop after so many tokens")
    budget.add_argument("--minutes", type=float, help="stop after so many minutes of running")
    budget.add_argument("--until", metavar="HH:MM", help="stop at a time of day")
    train.add_argument("--pause-at", type=int, metavar="STEP", help="save and stop at a step")
    train.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    train.add_argument("--threads", type=int, help="CPU threads")
    train.add_argument(
        "--no-compile", action="store_true", help="run without torch.compile (a third slower)"
    )
    train.set_defaults(run=_train)

    export_ = commands.add_parser("export", help="write a run as a model folder with its card")
    export_.add_argument("folder", type=Path, help="folder of the run")
    export_.add_argument("--to", type=Path, required=True, help="folder of the model")
    export_.add_argument("--corpus", type=Path, required=True, help="folder with the .xz files")
    export_.add_argument("--twin", type=Path, help=_TWIN)
    export_.add_argument("--threads", type=int, help="CPU threads")
    export_.set_defaults(run=_export)

    evaluate_ = commands.add_parser("evaluate", help="measure a model on the held-out text")
    evaluate_.add_argument("folder", type=Path, help="folder of the model")
    evaluate_.add_argument("--corpus", type=Path, required=True, help="folder with the .xz files")
    evaluate_.add_argument("--twin", type=Path, help=_TWIN)
    evaluate_.add_argument("--threads", type=int, help="CPU threads")
    evaluate_.set_defaults(run=_evaluate)
    return parser


def _train(options: argparse.Namespace) -> None:
    recipe = recipe_named(options.model)
    budget = _budget(options)
    device = pick_device(options.device)
    out = options.out or Path(".train") / recipe.name
    corpus = load_packed(options.corpus, out.parent / "corpus", options.seed)
    print(f"{corpus.origin['n_tokens']:,} tokens in the packed corpus", flush=True)
    run = Run(
        recipe,
        corpus,
        options.corpus,
        options.seed,
        RunOptions(
            out,
            device,
            compile=can_compile(device) and not options.no_compile,
            bfloat16=has_bfloat16(device),
            resume=options.resume,
        ),
    )
    finished = run.train(budget, options.pause_at)
    print(
        f"{'finished' if finished else 'stopped'} after {run.progress.tokens / 1e6:.2f}M tokens; "
        f"checkpoint in {out}" + ("" if finished else "; go on with --resume"),
        flush=True,
    )


def _export(options: argparse.Namespace) -> None:
    export(options.folder, options.to, options.corpus, options.twin)
    print(f"written to {options.to}")


def _evaluate(options: argparse.Namespace) -> None:
    figures = evaluate(options.folder, options.corpus, options.twin)
    print(json.dumps(figures.record(), indent=2))


def _budget(options: argparse.Namespace) -> Budget:
    if options.tokens:
        return token_budget(options.tokens)
    if options.until:
        return parse_deadline(options.until, datetime.now())
    return minute_budget(options.minutes or DEFAULT_MINUTES)


if __name__ == "__main__":
    sys.exit(main())
