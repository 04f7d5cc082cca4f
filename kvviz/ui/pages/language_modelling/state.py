"""What the page on learning from plain text remembers between reruns of its script."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.language_modelling.readings import Reading
from kvviz.ui.pages.language_modelling.settings import TextSettings, TextView, write
from kvviz.ui.parts.work_state import WorkState
from kvviz.ui.shell.links import lines_about
from kvviz.ui.work.jobs import Job

NAME = "language_modelling_page"


@dataclass
class TextState(WorkState):
    """One person's page.

    Attributes:
        reading: The text on screen, read by the model that foresees the next token.
        view: What is looked at in it.
        attempt: What was read last, or tried.
        wanted: The text that a link asks for, until its reading has begun.
        unusable: A phrase on each value of the link that was opened that could not be used.
        film_start: Point at which the film begins when it is mounted.
        choices_of_given: Counts the times that the page itself had to choose how many tokens are
            given.
    """

    reading: Reading | None = None
    view: TextView = field(default_factory=TextView)
    attempt: TextSettings | None = None
    wanted: TextSettings | None = None
    unusable: tuple[str, ...] = ()
    film_start: int = 0
    choices_of_given: int = 0

    def take(self, job: Job) -> None:
        """Take in what a job has made, unless the person has been told that it stops."""
        if job.is_cancelled:
            self.say_cancelled(_("The reading was cancelled."))
        else:
            self.show(job.result)

    def say_cancelled(self, what: str) -> None:
        """Leave on screen what was there, and say so."""
        left = [_("Below is the text before, as it was read.")] if self.reading else []
        super().say_cancelled(" ".join([what, *left]))
        self.settle()

    def show(self, result: Reading) -> None:
        """Put a new reading on screen."""
        self.reading, self.error = result, None
        self.choices_of_given += 1
        self.unusable += self.settle()
        self.write_link()

    def settle(self) -> tuple[str, ...]:
        """Bring the beginning that is given inside the text; return a phrase if it was not."""
        given = self.view.given
        if self.reading is None or given is None or given in self.reading.cuts:
            return ()
        self.view = replace(self.view, given=None)
        last = max(self.reading.cuts, default=0)
        if not last:
            phrase = _("given is {given}, but this text has no beginning that could be given")
        elif given > last:
            phrase = ngettext(
                "given is {given}, but of this text 1 to {last} token can be given",
                "given is {given}, but of this text 1 to {last} tokens can be given",
                last,
            )
        else:
            phrase = ngettext(
                "given is {given}, but this text cannot be cut after {given} token",
                "given is {given}, but this text cannot be cut after {given} tokens",
                given,
            )
        return (phrase.format(given=given, last=last),)

    @property
    def lines(self) -> tuple[str, ...]:
        """What the page has to say about the link, and about what was cancelled."""
        return (*lines_about(self.unusable), *self.notes)

    def write_link(self) -> None:
        """Put the text on screen and the view into the address bar."""
        shown = self.reading.settings if self.reading else self.attempt
        if shown is not None:
            self.address.write(write(shown, self.view))
