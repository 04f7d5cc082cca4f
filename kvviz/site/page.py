"""A page of the site as one HTML document that needs nothing but itself.

Picture, question, script and styles stand in the page itself, as in an exported run
(`kvviz.player.document`): a browser that opens it from a file would fetch no neighbour of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from kvviz.errors import PublishError
from kvviz.lessons import lessons
from kvviz.player.document import zipped
from kvviz.player.document_head import BEGINNING
from kvviz.player.inline_script import policy, taken_apart, within_an_element
from kvviz.site import look
from kvviz.site.lesson import PACKAGE, FrontEnd, Lesson, Recorded
from kvviz.site.question import question_html
from kvviz.translation import gettext as _
from kvviz.translation import language
from kvviz.ui.shell.page_list import PAGES
from kvviz.ui.shell.plain_text import plain_html

LIVE = "python -m kvviz app"  # not for people: what is typed
# not for people: markup, whose words are filled in
_PAGE = (
    BEGINNING
    + """<meta name="description" content="{lead}">
<title>{title} · kvviz</title>
<link rel="icon" href="{icon}">
<style>{style}</style>
</head>
<body class="stApp">
<a class="site-skip" href="#lesson">{skip}</a>
<header class="site-side"><div>
<a class="site-home" href="index.html"><span class="kvviz-name">kvviz</span>
<span class="kvviz-tagline">{tagline}</span></a>
<nav class="st-key-kvviz-nav" aria-label="{lessons}"><ul>{links}</ul></nav>
</div></header>
<main data-testid="stMain" id="lesson" tabindex="-1"><div data-testid="stMainBlockContainer">
<div class="st-key-kvviz-title"><h1>{title}</h1><p class="kvviz-lead">{lead}</p></div>
{within}
<footer class="site-foot">{foot}</footer>
</div></main>
{data}
<script type="module">{script}</script>
</body>
</html>
"""
)


def page_html(lesson: Lesson, lessons_in_order: Sequence[Lesson]) -> str:
    """Return the document of a lesson.

    Args:
        lesson: The lesson.
        lessons_in_order: All of them, the first page first.

    Raises:
        PublishError: If the parts of kvviz that a page is made of are not what they should be.
    """
    picture = lesson.picture
    front_end = picture.front_end
    parts = [_siblings(lesson, lessons_in_order), _picture(lesson)]
    if lesson.source and lesson.recorded:
        parts[1] += f'<p class="kvviz-source">{plain_html(lesson.source)}</p>'
    question = question_html(lesson.experiment, lesson.found)
    parts.insert(1 if lesson.asked_first else 2, question)
    if lesson is lessons_in_order[0]:
        parts.append(_cards(lessons_in_order[1:]))
    data = {"whole": picture.whole, "covered": picture.covered}
    script = _script(front_end)
    return _PAGE.format(
        language=language(),
        policy=policy(script),
        title=plain_html(lesson.title),
        lead=plain_html(lesson.lead),
        icon=look.icon(),
        style=look.style() + _dress(front_end),
        skip=plain_html(_("Skip to the lesson")),
        tagline=plain_html(_("Watch a KV cache work")),
        lessons=plain_html(_("Lessons")),
        links=_links(lesson, lessons_in_order),
        within="\n".join(part for part in parts if part),
        foot=_foot(lesson, lessons_in_order),
        data="\n".join(
            f'<script type="application/octet-stream" id="kvviz-{name}">{zipped(buffer)}</script>'
            for name, buffer in data.items()
            if buffer is not None
        ),
        script=script,
    )


def _picture(lesson: Lesson) -> str:
    refusal = plain_html(_("This run cannot be drawn here: {reason}"))
    no_script = f"<noscript>{plain_html(_('The player needs JavaScript.'))}</noscript>"
    return (
        f'<section aria-label="{plain_html(lesson.picture.heading)}">'
        f'<h2 class="kvviz-unseen">{plain_html(lesson.picture.heading)}</h2>'
        f'<div class="site-picture" data-draws="{lesson.picture.front_end.name}" '
        f'data-refusal="{refusal}"><div id="kvviz-root">{no_script}</div></div>'
        "</section>"
    )


def _links(lesson: Lesson, lessons_in_order: Sequence[Lesson]) -> str:
    """Return the navigation: the pages of the app that are here, in its order."""
    first = {one.page: one for one in reversed(lessons_in_order)}
    return "".join(
        _link(first[entry.name].file, entry.title, is_here=entry.name == lesson.page)
        for entry in PAGES
        if entry.name in first
    )


def _siblings(lesson: Lesson, lessons_in_order: Sequence[Lesson]) -> str:
    """Return the links among the lessons of one page of the app, where there are several."""
    siblings = [one for one in lessons_in_order if one.page == lesson.page]
    if len(siblings) == 1:
        return ""
    label = plain_html(_("What to do with the text"))
    links = "".join(_link(one.file, one.does, is_here=one is lesson) for one in siblings)
    return f'<nav class="site-siblings" aria-label="{label}"><ul>{links}</ul></nav>'


def _link(file: str, words: str, *, is_here: bool) -> str:
    here = ' aria-current="page"' if is_here else ""
    return f'<li><a href="{file}"{here}>{plain_html(words)}</a></li>'


def _cards(others: Sequence[Lesson]) -> str:
    """Return what the first page says of the others, and of what is not here."""
    cards = [
        f'<li><a href="{one.file}"><span class="kvviz-heading">{plain_html(_name(one))}</span>'
        f'<span class="kvviz-body">{plain_html(one.intro)}</span></a></li>'
        for one in others
    ]
    here = {"start", *(one.page for one in others)}
    names = ", ".join(entry.title for entry in PAGES if entry.name not in here)
    left_out = lessons().caption("site-live").text.format(pages=names)
    cards.append(
        f'<li><div><span class="kvviz-heading">{plain_html(_("On your own machine"))}</span>'
        f'<span class="kvviz-body">{plain_html(left_out)}</span></div></li>'
    )
    return f'<h2>{plain_html(_("Lessons"))}</h2><ul class="site-cards">{"".join(cards)}</ul>'


def _name(lesson: Lesson) -> str:
    if not lesson.does:
        return lesson.title
    # Translators: A page, and what is done on it: "BERT beside GPT-2: Append a word".
    return _("{page}: {does}").format(page=lesson.title, does=lesson.does)


def _foot(lesson: Lesson, lessons_in_order: Sequence[Lesson]) -> str:
    """Return the way on, with what the page was recorded, and how to do it live."""
    at = lessons_in_order.index(lesson)
    after = lessons_in_order[(at + 1) % len(lessons_in_order)]
    on = (
        _("Next: {lesson}") if at + 1 < len(lessons_in_order) else _("From the beginning: {lesson}")
    )
    page = next(entry.title for entry in PAGES if entry.name == lesson.page)
    live = plain_html(
        # Translators: {command} is typed in a terminal, {page} is the title of a page.
        _("Run it live with texts of your own: {command}, and open “{page}”.")
    ).format(command=f"<code>{LIVE}</code>", page=plain_html(page))
    return (
        f'<p class="site-next"><a href="{after.file}">'
        f"{plain_html(on.format(lesson=_name(after)))} →</a></p>"
        f'<p class="kvviz-source" data-kvviz="recorded">{plain_html(_told(lesson))}</p>'
        f'<p class="kvviz-source" data-kvviz="live">{live}</p>'
    )


def _told(lesson: Lesson) -> str:
    """Say what a page was recorded with."""
    today = date.today().isoformat()
    if lesson.recorded is None:
        said = _("Published {date} with kvviz {version}.").format(date=today, version=_version())
        return f"{lesson.source} {said}"
    made: Recorded = lesson.recorded
    facts = made.environment
    models = made.models[0]
    for name in made.models[1:]:
        models = _("{first} and {last}").format(first=models, last=name)
    return _(
        "Recorded {date} with kvviz {version}: {models} in {dtype} on {device} ({processor}, "
        "threads: {threads}, torch {torch}). Nothing on this page is computed anew but what the "
        "making of a row adds up."
    ).format(
        date=today,
        version=_version(),
        models=models,
        dtype=made.card.dtype,
        device=made.card.device,
        processor=facts.get("processor") or _("processor unknown"),
        threads=facts.get("threads", "?"),
        torch=facts.get("torch", "?"),
    )


def _version() -> str:
    try:
        return version("kvviz")
    except PackageNotFoundError:  # a checkout runs without being installed
        return _("from a checkout")


@cache
def _script(front_end: FrontEnd) -> str:
    """Return the script of a page: a bundle of the app, and what mounts it and asks.

    Each stands in a function of its own, since they name things alike.
    """
    drawn, names = taken_apart(front_end.bundle.read_text(encoding="utf-8"))
    asks, own_names = taken_apart(
        (PACKAGE / "site" / "lesson.bundle.js").read_text(encoding="utf-8")
    )
    if front_end.exported not in names or "begin" not in own_names:
        raise PublishError(
            _("A bundle does not export what the site calls."),
            found=_("It is {file}.").format(file=front_end.bundle.name),
            fix=_("Build it anew with `npm run build`, or install kvviz again."),
        )
    # not for people: a script
    return within_an_element(
        f"const kvvizMount = (() => {{ {drawn}\nreturn {names[front_end.exported]}; }})();\n"
        f"(() => {{ {asks}\n{own_names['begin']}(kvvizMount); }})();"
    )


@cache
def _dress(front_end: FrontEnd) -> str:
    return look.checked("".join(one.read_text(encoding="utf-8") for one in front_end.styles))
