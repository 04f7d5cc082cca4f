"""The player and its run as one HTML document that needs nothing from outside.

The document forbids itself every request by its own content security policy; its one script is
named there by its hash. The run stands in it as base64 of the gzipped buffer of
`kvviz.player.pack`, so that it opens from a file, in a notebook, or years later.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import os
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable

from kvviz.analysis import head_roles
from kvviz.errors import PayloadError
from kvviz.player.cell import Cell
from kvviz.player.document_head import BEGINNING
from kvviz.player.head_origin import Answer, OriginAsked
from kvviz.player.inline_script import policy, taken_apart, within_an_element
from kvviz.player.payload import CacheView, Role, pack
from kvviz.player.whole_file import write_whole
from kvviz.trace import CacheComparison, GenerationTrace
from kvviz.translation import gettext as _
from kvviz.translation import language

PLAYER_FILES: Traversable = files("kvviz.player")

MAX_LAYER_BYTES = 64 * 2**20
"""A document carries all layers up to this size, as nobody can fetch another one later."""
TITLE_CHARACTERS = 80
GZIP_LEVEL = 6
"""Level 9 takes five times as long for a hundredth less."""

_SENTINEL = re.compile(r"\s*<extra_id_\d+>")
# not for people: a script
_BOOT = """
const kvvizRoot = document.getElementById("kvviz-root");
const asked = new URLSearchParams(location.hash.slice(1));
// While there is something to save, the clock of a browser without a window must not run out.
const awake = asked.has("save") ? setInterval(() => {}, 1) : 0;
try {
  const text = document.getElementById("kvviz-run").textContent;
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  MOUNT(kvvizRoot, new Uint8Array(await new Response(stream).arrayBuffer()));
  if (awake) await kvvizRoot.kvviz.save(asked);
} catch (error) {
  kvvizRoot.textContent = REFUSAL.replace("{reason}", () => error.message);
} finally {
  clearInterval(awake);
}
"""
# not for people: a style sheet
_PAGE_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0 auto; padding: 16px; max-width: 1400px; background: #fbfaf7; color: #1d1d20;
  font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 12px; font-size: 1.05rem; font-weight: 600; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { body { background: #16171a; color: #ece9e2; } }
"""
# not for people: markup, whose words are filled in
_PAGE = (
    BEGINNING
    + """<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
<div id="kvviz-root"><noscript>{no_script}</noscript></div>
<script type="application/octet-stream" id="kvviz-run">{run}</script>
<script type="module">{script}</script>
</body>
</html>
"""
)


def html_document(
    trace: GenerationTrace | CacheComparison,
    *,
    title: str | None = None,
    layer: int | None = None,
    head: int | None = None,
    step: int | None = None,
    cache: CacheView | None = None,
    roles: Sequence[Role] | None = None,
    cell: Cell | None = None,
    origins: Mapping[OriginAsked, Answer] | None = None,
) -> str:
    """Return one HTML document with the player and a run inside.

    Args:
        trace: The run, or the run with and without the cache.
        title: Title of the document; None makes one of the model's name and the prompt.
        layer: Layer in view at first; None means that of the clearest role, or else the first.
        head: Head in view at first; None likewise.
        step: Step in view at first, or None for the prefill.
        cache: Side in view at first, as for `kvviz.player.pack`.
        roles: Head roles for the badges; None finds them in this run by `head_roles`.
        cell: Cell of the pattern whose making is on show at first, if any.
        origins: What is known of how the rows of a head came about, as for `kvviz.player.pack`.

    Raises:
        PayloadError: If the view does not exist, the run is too large to be drawn, or the player's
            own files are missing.
    """
    first = trace.cached if isinstance(trace, CacheComparison) else trace
    style = _player_file("player.css") + _PAGE_STYLE
    if "</style" in style.lower():
        raise PayloadError(_("The player's styles cannot stand in a document: they close it."))
    script = _script(_player_file("player.bundle.js"))
    roles = head_roles(first) if roles is None else roles
    clearest = max(
        (role for role in roles if layer in (None, role.layer)),
        key=lambda role: role.score,
        default=None,
    )
    if layer is None:
        layer = clearest.layer if clearest else 0
    if head is None:
        head = clearest.head if clearest else 0
    buffer = pack(
        trace,
        layer=layer,
        head=head,
        step=step,
        cache=cache,
        roles=roles,
        cell=cell,
        max_bytes_all_layers=MAX_LAYER_BYTES,
        origins=origins,
    )
    return _PAGE.format(
        policy=policy(script),
        language=language(),
        title=html.escape(title or _title(first)),
        no_script=html.escape(_("The player needs JavaScript.")),
        style=style,
        run=zipped(buffer),
        script=script,
    )


def zipped(data: bytes) -> str:
    """Return what stands in a document for some bytes: base64 of them, gzipped."""
    # mtime=0 keeps the time of day out: the same run gives the same document.
    return base64.b64encode(gzip.compress(data, GZIP_LEVEL, mtime=0)).decode()


def export_html(
    trace: GenerationTrace | CacheComparison,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
) -> None:
    """Write a run as one offline HTML file with the player inside.

    A file of that name is replaced, and only once the new one is complete.

    Args:
        trace: The run, or the run with and without the cache.
        path: Where to, conventionally ending in ``.html``.
        title: Title of the document; None makes one of the model's name and the prompt.

    Raises:
        PayloadError: As `html_document`, or if the file cannot be written.
    """
    write_whole(path, html_document(trace, title=title).encode())


def notebook_html(trace: GenerationTrace | CacheComparison) -> str:
    """Return the player in a frame of its own, as a notebook shows it.

    The frame may run its script and offer downloads, and has no access to the notebook around it.

    Raises:
        PayloadError: As `html_document`.
    """
    document = html.escape(html_document(trace))
    title = html.escape(_("kvviz player"))
    return (
        f'<iframe srcdoc="{document}" sandbox="allow-scripts allow-downloads" '
        f'title="{title}" style="width: 100%; height: 900px; border: 0"></iframe>'
    )


def _title(run: GenerationTrace) -> str:
    # A T5 reads numbered sentinels; who reads the title typed blanks.
    prompt = run.prompt if run.cross is None else _SENTINEL.sub(" ___", run.prompt)
    if run.conversation:
        prompt = run.conversation.turns[-1].content
    prompt = " ".join(prompt.split())
    if len(prompt) > TITLE_CHARACTERS:
        prompt = prompt[: TITLE_CHARACTERS - 1] + "…"
    return f"{run.model.name}: {prompt}"


def _script(bundle: str) -> str:
    """Return the bundle followed by the lines that mount it, safe inside a script element."""
    rest, names = taken_apart(bundle)
    if "mountPlayer" not in names:
        raise PayloadError(
            _("The player's bundle does not export mountPlayer."),
            fix=_("Build it anew with `npm run build`, or install kvviz again."),
        )
    refusal = json.dumps(_("This run cannot be drawn here: {reason}"))
    boot = _BOOT.replace("MOUNT", names["mountPlayer"]).replace("REFUSAL", refusal)
    return within_an_element(rest + boot)


def _player_file(name: str) -> str:
    try:
        return PLAYER_FILES.joinpath(name).read_text(encoding="utf-8")
    except OSError as error:
        raise PayloadError(
            _("A file of the player is missing from this installation."),
            found=_("There is no kvviz/player/{name}.").format(name=name),
            fix=_("Install kvviz again; in a clone, run `npm run build`."),
        ) from error
