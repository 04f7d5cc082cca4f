"""The command line: `python -m words` and `python -m words check [PATH...]`."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from words.catalogues import ROOT, TEMPLATE, as_po, extracted, generated, write
from words.unmarked import sources, unmarked


def main() -> int:
    """Run a command; return 1 if something is unmarked."""
    parser = argparse.ArgumentParser(prog="python -m words", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    check = commands.add_parser("check", help="list the sentences that are not marked")
    check.add_argument("paths", nargs="*", type=Path, help="files or folders (default: all)")
    options = parser.parse_args()
    if options.command == "check":
        return _check([path.resolve() for path in options.paths] or [ROOT / "kvviz"])
    template = extracted()
    for path in write({TEMPLATE: as_po(template), **generated(template)}):
        print(f"wrote {path.relative_to(ROOT)}")
    print(f"{len(template)} messages")
    return 0


def _check(paths: list[Path]) -> int:
    found = [one for path in sources(paths) for one in unmarked(path)]
    for one in found:
        print(f"{one.path.relative_to(ROOT)}:{one.line}: {one.why}: {one.text!r}")
    scripts = [
        script.relative_to(ROOT).as_posix()
        for path in paths
        for script in ([path] if path.is_file() else sorted(path.rglob("*.js")))
        if script.suffix == ".js" and not script.name.endswith(".bundle.js")
    ]
    in_scripts = _node(*scripts) if scripts else 0
    return int(bool(found) or in_scripts != 0)


def _node(*arguments: str) -> int:
    return subprocess.run(
        ["node", "words/unmarked.mjs", *arguments], cwd=ROOT, check=False
    ).returncode


if __name__ == "__main__":
    raise SystemExit(main())
