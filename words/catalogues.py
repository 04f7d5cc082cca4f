"""Messages from the sources into the template, from there into each language, and compiled.

Nothing written here tells the time or a line's number, so that a file changes when a message does.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "kvviz"
LOCALE = SOURCES / "translation" / "locale"
TEMPLATE = Path(__file__).parent / "kvviz.pot"
"""All messages, for who begins a language. `make words` writes it; it is not kept, for every
sentence that changes would change it, and nothing that runs reads it."""

MAPPING = Path(__file__).parent / "babel.cfg"
COMMENT_TAG = "Translators:"
"""A comment that begins so is shown to who translates the message below it."""

_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_LEFT_OUT = (
    *(b'"POT-Creation-Date:', b'"PO-Revision-Date:', b'"Generated-By:'),  # change by themselves
    *(b'"Project-Id-Version:', b'"Report-Msgid-Bugs-To:', b'"Last-Translator:', b'"Language-Team:'),
)


def extracted(sources: Path = SOURCES) -> Catalog:
    """Return all messages that are marked in the Python and JavaScript files of a folder."""
    with MAPPING.open(encoding="utf-8") as file:
        method_map, options_map = parse_mapping_cfg(file)
    found = sorted(
        extract_from_dir(
            sources,
            method_map,
            options_map,
            keywords=DEFAULT_KEYWORDS,
            comment_tags=(COMMENT_TAG,),
            strip_comment_tags=True,
        ),
        key=lambda one: (Path(one[0]).as_posix(), one[1]),
    )
    catalog = Catalog(fuzzy=False, header_comment="# Messages of kvviz. Made by `make words`.")
    for name, line, message, comments, context in found:
        place = (Path(sources.name, name).as_posix(), line)
        catalog.add(message, locations=[place], auto_comments=comments, context=context)
    return catalog


def generated(template: Catalog, locale: Path = LOCALE) -> dict[Path, bytes]:
    """Return what every generated file of the package should hold.

    Args:
        template: The messages of the sources.
        locale: The folder of the languages; each that has a ``.po`` file gets it updated.
    """
    files = {locale / "front_end.json": _front_end(template)}
    for path in sorted(locale.glob("*/LC_MESSAGES/kvviz.po")):
        with path.open("rb") as file:
            translated = read_po(file, locale=path.parts[-3], domain="kvviz")
        translated.update(template, no_fuzzy_matching=True)
        files[path] = as_po(translated)
        files[path.with_suffix(".mo")] = _mo(translated)
    return files


def write(files: dict[Path, bytes]) -> list[Path]:
    """Write what has changed; return where."""
    changed = [path for path, data in files.items() if not _holds(path, data)]
    for path in changed:
        path.write_bytes(files[path])
    return changed


def stale(files: dict[Path, bytes]) -> list[Path]:
    """Return the files that do not hold what the sources call for."""
    return [path for path, data in files.items() if not _holds(path, data)]


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data


def _front_end(template: Catalog) -> bytes:
    """Return the keys in JavaScript, each as context, English for 1, and English for others."""
    keys = [
        [message.context, *(message.id if message.pluralizable else (message.id, None))]
        for message in template
        if message.id and any(name.endswith(".js") for name, _ in message.locations)
    ]
    lines = [json.dumps(key, ensure_ascii=False) for key in keys]
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode() if lines else b"[]\n"


def as_po(catalog: Catalog) -> bytes:
    """Return a catalogue as the text of a ``.po`` file, or of a template."""
    out = BytesIO()
    write_po(out, catalog, width=100, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
    lines = out.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(_LEFT_OUT))


def _mo(catalog: Catalog) -> bytes:
    catalog.creation_date = catalog.revision_date = _NO_TIME
    out = BytesIO()
    write_mo(out, catalog)
    return out.getvalue()
