"""The command line: `python -m kvviz app | trace | bench | lab | loss | models | publish`.

Bad input ends with exit code 2 and one line on standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from kvviz.commands import lab as lab_command
from kvviz.commands import loss as loss_command
from kvviz.commands import models as models_command
from kvviz.commands import options
from kvviz.commands import publish as publish_command
from kvviz.errors import KvvizError, OptionsError, PromptError
from kvviz.trace import Conversation, GenerationTrace
from kvviz.trace.race import Race
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kvviz", description=_("Watch a KV cache work."))
    commands = parser.add_subparsers(dest="command", required=True)

    app = commands.add_parser("app", help=_("open the app in the browser"))
    app.add_argument("--port", type=int, default=8501, help=_("port to serve on (default 8501)"))
    app.add_argument("--headless", action="store_true", help=_("do not open a browser"))
    app.set_defaults(run=_app)

    trace = commands.add_parser("trace", help=_("run a model and print or save what its cache did"))
    asked = trace.add_mutually_exclusive_group(required=True)
    asked.add_argument("--prompt", help=_("text to continue"))
    asked.add_argument(
        "--chat",
        type=Path,
        metavar="FILE.json",
        help=_("conversation to go on with: a list of turns, each with role and content"),
    )
    options.add_model(trace)
    trace.add_argument("--new", type=int, default=24, help=_("tokens to generate (default 24)"))
    trace.add_argument("--no-cache", action="store_true", help=_("compute every row at every step"))
    trace.add_argument("--temperature", type=float, default=0.0, help=_("0 takes the most likely"))
    trace.add_argument("--top-k", type=int, help=_("sample from this many most likely tokens"))
    trace.add_argument("--top-p", type=float, help=_("sample from this much probability"))
    trace.add_argument("--seed", type=int, default=0, help=_("seed of the sampling (default 0)"))
    options.add_device(trace)
    trace.add_argument(
        "--dtype",
        default="auto",
        help=_(
            "float32, bfloat16, float16 or float64; auto is float32, or for a model that was added "
            "what is faster here"
        ),
    )
    trace.add_argument("--save", type=Path, metavar="FILE.npz", help=_("save the trace"))
    trace.add_argument(
        "--html", type=Path, metavar="FILE.html", help=_("export the player, offline")
    )
    trace.add_argument(
        "--svg",
        type=Path,
        metavar="FILE.svg",
        help=_("draw the last step, with an installed Chrome"),
    )
    trace.add_argument(
        "--animate",
        type=Path,
        metavar="FILE.gif",
        help=_("draw the steps as an animation, likewise"),
    )
    trace.add_argument(
        "--steps", metavar="FROM:TO", help=_("steps to draw, both within (default all)")
    )
    trace.add_argument("--json", action="store_true", help=_("print one JSON object a step"))
    trace.set_defaults(run=_trace)

    bench = commands.add_parser("bench", help=_("time generation with the cache and without"))
    options.add_model(bench)
    bench.add_argument(
        "--prompt-tokens", type=int, default=32, help=_("prompt length (default 32)")
    )
    bench.add_argument("--new", type=int, default=96, help=_("tokens to generate (default 96)"))
    bench.add_argument("--batch", type=int, default=1, help=_("sequences at a time (default 1)"))
    bench.add_argument(
        "--repeats", type=int, default=3, help=_("rounds after one warm-up (default 3)")
    )
    options.add_device_and_dtype(bench)
    bench.add_argument(
        "--json", action="store_true", help=_("print one JSON object, every step in it")
    )
    bench.set_defaults(run=_bench)

    lab = commands.add_parser("lab", help=_("judge ways of keeping rows by a text"))
    lab_command.declare(lab)

    loss = commands.add_parser("loss", help=_("measure how well a model foretells a text"))
    loss_command.declare(loss)

    models_command.declare(commands.add_parser("models", help=_("list, add and remove models")))

    publish = commands.add_parser("publish", help=_("write a site of recorded lessons"))
    publish_command.declare(publish)
    return parser


def _app(arguments: argparse.Namespace) -> None:
    if not 1 <= arguments.port <= 65535:
        raise OptionsError(
            _("A port is a number from 1 to 65535."),
            found=_("Found {port}.").format(port=arguments.port),
            fix=_("Try --port 8501."),
        )
    from kvviz.ui.app import serve

    serve(arguments.port, headless=arguments.headless)


def _trace(arguments: argparse.Namespace) -> None:
    from kvviz.engine import trace_generation

    # What is not there is said before a model runs for minutes.
    steps = _steps(arguments.steps)
    prompt = arguments.prompt if arguments.chat is None else _conversation(arguments.chat)
    for path, suffix in ((arguments.svg, ".svg"), (arguments.animate, ".gif")):
        if path:
            _check_picture(path, suffix)
    model = options.model_of(arguments)
    trace = trace_generation(
        model,
        prompt,
        max_new_tokens=arguments.new,
        use_cache=not arguments.no_cache,
        temperature=arguments.temperature,
        top_k=arguments.top_k,
        top_p=arguments.top_p,
        seed=arguments.seed,
    )
    if model.format_trial is not None:
        print(f"{model.card.name}: {model.format_trial.told}", file=sys.stderr)
    if arguments.json:
        _print_json(trace)
    else:
        _print_table(trace)
    if arguments.save:
        trace.save(arguments.save)
    if arguments.html:
        from kvviz.player import export_html

        export_html(trace, arguments.html)
    if arguments.svg or arguments.animate:
        from kvviz.player.headless import save_pictures

        save_pictures(
            trace, svg=arguments.svg, gif=arguments.animate, steps=steps, told=_tell_frames
        )


def _conversation(path: Path) -> Conversation:
    """Read a conversation from a file of JSON."""
    try:
        return Conversation.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(
            _("The conversation in {file} cannot be read.").format(file=path),
            found=f"{getattr(error, 'strerror', None) or error}.",
            fix=_("Name a file of JSON, a list of turns."),
        ) from error


def _check_picture(path: Path, suffix: str) -> None:
    from kvviz.player.headless import find_browser

    if path.suffix.lower() != suffix:
        raise OptionsError(
            _("The name of this picture must end in {suffix}.").format(suffix=suffix),
            found=_("Found {name}.").format(name=path),
            fix=_("Try {name}.").format(name=Path(path.name or "run").with_suffix(suffix).name),
        )
    find_browser()


def _steps(text: str | None) -> tuple[int | None, int | None]:
    """Return the first and the last step of a range as it was typed; None for what is left out."""
    first, colon, last = (text or ":").partition(":")
    if not colon or not all(
        part == "" or (part.isascii() and part.isdigit()) for part in (first, last)
    ):
        raise OptionsError(
            _("A range of steps is two numbers with a colon between them."),
            found=_("Found {text!r}.").format(text=text),
            fix=_("Try --steps 1:12."),
        )
    return int(first) if first else None, int(last) if last else None


def _tell_frames(done: int, n_frames: int) -> None:
    """Write how many frames are made on one line, where somebody is looking."""
    if sys.stderr.isatty():
        said = _("frame {n} of {last}").format(n=done, last=n_frames)
        print(f"\r{said}", end="\n" if done == n_frames else "", file=sys.stderr, flush=True)


def _print_json(trace: GenerationTrace) -> None:
    for step in trace.steps:
        print(
            json.dumps(
                {
                    "step": step.index,
                    "kind": step.kind,
                    "n_fed": int(step.fed.size),
                    "n_computed": int(step.computed.size),
                    "n_reused": int(step.reused.size),
                    "chosen_id": step.chosen_id,
                    "chosen": trace.tokens[trace.n_prompt + step.index],
                    "chosen_prob": step.chosen_prob,
                    "seconds": step.seconds,
                    "flops": step.flops,
                    "cache_bytes": step.cache_bytes,
                }
            )
        )


def _print_table(trace: GenerationTrace) -> None:
    step, kind, fed, computed = _("step"), _("kind"), _("fed"), _("computed")
    reused, cache, chosen = _("reused"), _("cache kB"), _("chosen")
    print(
        f"{step:>4} {kind:<8}{fed:>5}{computed:>10}{reused:>8}{'ms':>9}{'MFLOP':>9}{cache:>10}  "
        f"{chosen}"
    )
    for one in trace.steps:
        token = trace.tokens[trace.n_prompt + one.index]
        print(
            f"{one.index:>4} {one.kind:<8}{one.fed.size:>5}{one.computed.size:>10}"
            f"{one.reused.size:>8}{one.seconds * 1e3:>9.2f}{one.flops / 1e6:>9.1f}"
            f"{one.cache_bytes / 1e3:>10.1f}  {token!r} {one.chosen_prob:.0%}"
        )


def _bench(arguments: argparse.Namespace) -> None:
    from kvviz.analysis.speed_up import gap, side_times, speed_ups
    from kvviz.engine.timing.race import race

    model = options.model_of(arguments)
    found = race(
        model,
        n_prompt=arguments.prompt_tokens,
        n_new=arguments.new,
        batch=arguments.batch,
        repeats=arguments.repeats,
    )
    times, ups, saved = side_times(found), speed_ups(found), gap(found)
    if arguments.json:
        summary = {
            "cached_seconds": times.cached,
            "uncached_seconds": times.uncached,
            "cached_tokens_per_second": times.cached_rate,
            "uncached_tokens_per_second": times.uncached_rate,
            "speed_up": {
                "median": ups.last, "low": float(ups.low[-1]), "high": float(ups.high[-1])
            },
            "token_passes_ratio": saved.passes,
            "flops_ratio": saved.flops,
        }  # fmt: skip
        print(json.dumps({**found.to_json(), **summary}))
        return
    print(_what_ran(found))
    median, low, high, a_second = _("median s"), _("low"), _("high"), _("tokens/s")
    print(f"{'':<16}{median:>10}{low:>9}{high:>9}{a_second:>11}")
    for name, spread, rate in (
        (_("with the cache"), times.cached, times.cached_rate),
        (_("without"), times.uncached, times.uncached_rate),
    ):
        print(
            f"{name:<16}{spread['median']:>10.3f}{spread['low']:>9.3f}{spread['high']:>9.3f}"
            f"{rate:>11.1f}"
        )
    print(
        _(
            "{times:.2f}x as fast ({low:.2f} to {high:.2f}), with {passes:,.1f}x fewer token "
            "passes and {flops:,.1f}x fewer FLOPs"
        ).format(
            times=ups.last,
            low=ups.low[-1],
            high=ups.high[-1],
            passes=saved.passes,
            flops=saved.flops,
        )
    )
    size = int(found.cache_bytes[-1])
    print(_("cache at the end: {size:,} B in the tensors").format(size=size))


def _what_ran(found: Race) -> str:
    card, threads = found.model, int(found.environment["threads"])
    n_prompt, n_repeats = found.n_prompt, found.n_repeats
    return _(
        "{model}, {dtype} on {device}, {threads}: {prompt}, {n_new} new, batch {batch}, {repeats}"
    ).format(
        model=card.name,
        dtype=card.dtype,
        device=card.device,
        threads=ngettext("{n} thread", "{n} threads", threads).format(n=threads),
        prompt=ngettext("{n} prompt token", "{n} prompt tokens", n_prompt).format(n=n_prompt),
        n_new=found.n_new,
        batch=found.batch,
        repeats=ngettext(
            "{n} repeat after a warm-up", "{n} repeats after a warm-up", n_repeats
        ).format(n=n_repeats),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; those of the process if None.

    Returns:
        Exit code: 0, or 2 on bad input. (argparse itself leaves with 2 on an unknown option.)
    """
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except KvvizError as error:
        print(f"kvviz: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
