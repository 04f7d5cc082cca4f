"""The command line: `python -m kvviz app | trace | bench | models`.

Bad input ends with exit code 2 and one line on standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from kvviz.errors import KvvizError, OptionsError
from kvviz.trace import GenerationTrace

DEFAULT_MODEL = "kvviz/gpt2-mini"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kvviz", description="Watch a KV cache work.")
    commands = parser.add_subparsers(dest="command", required=True)

    app = commands.add_parser("app", help="open the app in the browser")
    app.add_argument("--port", type=int, default=8501, help="port to serve on (default 8501)")
    app.add_argument("--headless", action="store_true", help="do not open a browser")
    app.set_defaults(run=_app)

    trace = commands.add_parser("trace", help="run a model and print or save what its cache did")
    trace.add_argument("--prompt", required=True, help="text to continue")
    trace.add_argument("--model", default=DEFAULT_MODEL, help=f"name or folder ({DEFAULT_MODEL})")
    trace.add_argument("--new", type=int, default=24, help="tokens to generate (default 24)")
    trace.add_argument("--no-cache", action="store_true", help="compute every row at every step")
    trace.add_argument("--temperature", type=float, default=0.0, help="0 takes the most likely")
    trace.add_argument("--top-k", type=int, help="sample from this many most likely tokens")
    trace.add_argument("--top-p", type=float, help="sample from this much probability")
    trace.add_argument("--seed", type=int, default=0, help="seed of the sampling (default 0)")
    trace.add_argument("--device", default="auto", help="auto, cuda, mps or cpu")
    trace.add_argument("--dtype", default="float32", help="float32, bfloat16, float16 or float64")
    trace.add_argument("--save", type=Path, metavar="FILE.npz", help="save the trace")
    trace.add_argument("--html", type=Path, metavar="FILE.html", help="export the player, offline")
    trace.add_argument("--json", action="store_true", help="print one JSON object a step")
    trace.set_defaults(run=_trace)

    bench = commands.add_parser("bench", help="time generation with the cache and without")
    bench.add_argument("--model", default=DEFAULT_MODEL, help=f"name or folder ({DEFAULT_MODEL})")
    bench.add_argument("--prompt-tokens", type=int, default=32, help="prompt length (default 32)")
    bench.add_argument("--new", type=int, default=96, help="tokens to generate (default 96)")
    bench.add_argument("--batch", type=int, default=1, help="sequences at a time (default 1)")
    bench.add_argument(
        "--repeats", type=int, default=3, help="rounds after one warm-up (default 3)"
    )
    bench.add_argument("--device", default="auto", help="auto, cuda, mps or cpu")
    bench.add_argument("--dtype", default="float32", help="float32, bfloat16, float16 or float64")
    bench.add_argument(
        "--json", action="store_true", help="print one JSON object, every step in it"
    )
    bench.set_defaults(run=_bench)

    models = commands.add_parser("models", help="list the models that ship with kvviz")
    models.set_defaults(run=_models)
    return parser


def _app(arguments: argparse.Namespace) -> None:
    if not 1 <= arguments.port <= 65535:
        raise OptionsError(
            "A port is a number from 1 to 65535.",
            found=f"Found {arguments.port}.",
            fix="Try --port 8501.",
        )
    from kvviz.ui.app import serve

    serve(arguments.port, headless=arguments.headless)


def _trace(arguments: argparse.Namespace) -> None:
    from kvviz.engine import load_model, trace_generation

    model = load_model(arguments.model, device=arguments.device, dtype=arguments.dtype)
    trace = trace_generation(
        model,
        arguments.prompt,
        max_new_tokens=arguments.new,
        use_cache=not arguments.no_cache,
        temperature=arguments.temperature,
        top_k=arguments.top_k,
        top_p=arguments.top_p,
        seed=arguments.seed,
    )
    if arguments.json:
        _print_json(trace)
    else:
        _print_table(trace)
    if arguments.save:
        trace.save(arguments.save)
    if arguments.html:
        from kvviz.player import export_html

        export_html(trace, arguments.html)


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
    print(f"{'step':>4} {'kind':<8}{'fed':>5}{'computed':>10}{'reused':>8}{'ms':>9}{'MFLOP':>9}"
          f"{'cache kB':>10}  chosen")  # fmt: skip
    for step in trace.steps:
        chosen = trace.tokens[trace.n_prompt + step.index]
        print(
            f"{step.index:>4} {step.kind:<8}{step.fed.size:>5}{step.computed.size:>10}"
            f"{step.reused.size:>8}{step.seconds * 1e3:>9.2f}{step.flops / 1e6:>9.1f}"
            f"{step.cache_bytes / 1e3:>10.1f}  {chosen!r} {step.chosen_prob:.0%}"
        )


def _bench(arguments: argparse.Namespace) -> None:
    from kvviz.analysis.speed_up import gap, side_times, speed_ups
    from kvviz.engine import load_model
    from kvviz.engine.timing.race import race

    model = load_model(arguments.model, device=arguments.device, dtype=arguments.dtype)
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
    card = found.model
    print(
        f"{card.name}, {card.dtype} on {card.device}, {found.environment['threads']} threads: "
        f"{found.n_prompt} prompt tokens, {found.n_new} new, batch {found.batch}, "
        f"{found.n_repeats} repeats after a warm-up"
    )
    print(f"{'':<16}{'median s':>10}{'low':>9}{'high':>9}{'tokens/s':>11}")
    for name, spread, rate in (
        ("with the cache", times.cached, times.cached_rate),
        ("without", times.uncached, times.uncached_rate),
    ):
        print(
            f"{name:<16}{spread['median']:>10.3f}{spread['low']:>9.3f}{spread['high']:>9.3f}"
            f"{rate:>11.1f}"
        )
    print(
        f"{ups.last:.2f}x as fast ({ups.low[-1]:.2f} to {ups.high[-1]:.2f}), with "
        f"{saved.passes:,.1f}x fewer token passes and {saved.flops:,.1f}x fewer FLOPs"
    )
    print(f"cache at the end: {int(found.cache_bytes[-1]):,} B in the tensors")


def _models(arguments: argparse.Namespace) -> None:
    from kvviz.engine import list_bundled

    for name in list_bundled():
        print(name)


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
