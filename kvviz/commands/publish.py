"""The command `publish`: a static site of the lessons that need no model at hand."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kvviz.commands.asked_to_end import asked_to_end
from kvviz.errors import OptionsError, RunCancelledError
from kvviz.published.catalogue import megabytes
from kvviz.translation import gettext as _
from kvviz.translation import languages, using


def declare(parser: argparse.ArgumentParser) -> None:
    """Tell a parser what the command takes."""
    parser.set_defaults(run=_publish)
    parser.add_argument(
        "folder", type=Path, metavar="OUT", help=_("folder to write: a new one, or an empty one")
    )
    parser.add_argument(
        "--lang",
        default="en",
        help=_("language of the site: {all}").format(all=", ".join(languages())),
    )


def _publish(arguments: argparse.Namespace) -> None:
    if arguments.lang not in languages():
        raise OptionsError(
            _("There are no words of that language."),
            found=_("Found {name}; there are {all}.").format(
                name=arguments.lang, all=", ".join(languages())
            ),
            fix=_("Choose one of them."),
        )
    with using(arguments.lang), asked_to_end() as cancelled:
        from kvviz.site.publishing import publish

        try:
            found = publish(arguments.folder, told=_tell, cancelled=cancelled)
        except RunCancelledError as error:
            print(error, file=sys.stderr)
            raise KeyboardInterrupt from None
        for name, n_bytes in found.sizes.items():
            print(f"{megabytes(n_bytes):>9}  {found.folder / name}")
        print(
            _("{size} in all. Open {file}, or copy the folder to any web server.").format(
                size=megabytes(found.n_bytes), file=found.folder / "index.html"
            )
        )


def _tell(number: int, n_steps: int, name: str) -> None:
    """Say which step begins."""
    print(
        # Translators: Progress: which step of how many, and what it does.
        _("step {step:,} of {last:,}: {name}").format(step=number, last=n_steps, name=name),
        file=sys.stderr,
        flush=True,
    )
