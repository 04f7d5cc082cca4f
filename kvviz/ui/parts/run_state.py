"""What a page with a player remembers between reruns of its script."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from kvviz.player import fingerprint
from kvviz.ui.parts.view import View, within
from kvviz.ui.parts.work_state import WorkState
from kvviz.ui.shell.links import lines_about
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun


@dataclass
class RunState(WorkState):
    """One person's page with a player.

    Attributes:
        shown: The run on screen, or None before the first.
        view: What is looked at in it.
        coming: What to look at when the run under way is there; None to stay where one looks.
        by_link: Whether a link asked for that run, so that its view must be kept to.
        attempt: What was run last, or tried.
        wanted: The run that a link asks for, until it has begun.
        view_number: Counts the times the player was told to take on a view of the page's.
        edited: Position of the prompt's token that the person wants to change, None for any.
        upload: Id of the file that was opened last; the page's widget goes on holding it.
    """

    shown: ShownRun | None = None
    view: View = field(default_factory=View)
    coming: View | None = None
    by_link: bool = False
    attempt: RunSettings | None = None
    wanted: RunSettings | None = None
    view_number: int = 0
    edited: int | None = None
    upload: str = ""

    def say_cancelled(self, what: str) -> None:
        """Leave on screen what was there, and say so."""
        super().say_cancelled(what)
        self.settle()

    def fail(self, error: Exception) -> None:
        """Leave on screen what was there, and tell what went wrong."""
        super().fail(error)
        self.settle()

    def take(self, job: Job) -> None:
        """Take in a run, and the head that a person went to while it was made."""
        if job.look is not None and job.look.picked is not None:
            layer, head = job.look.picked
            self.coming = replace(self.coming or self.view, layer=layer, head=head)
        super().take(job)

    def show(self, result: ShownRun) -> None:
        """Put a new run on screen.

        The very same run made again keeps the view, unless a link names another one.
        """
        again = self.shown is not None and (
            fingerprint(self.shown.subject) == fingerprint(result.subject)
        )
        self.shown, self.error, self.edited = result, None, None
        if self.coming is not None and (self.by_link or not again):
            self.view = self.coming
            self.view_number += again
        self.settle()

    def give_up_job(self) -> None:
        """Stop the run under way, if there is one: what is on screen is wanted in its place."""
        if self.job is not None:
            self.job.cancel()
        self.job = None

    def settle(self) -> None:
        """Bring the view inside the run on screen, when a run has come or did not come."""
        shown, self.coming = self.shown, None
        if shown is None:
            return
        self.view, unusable = within(self.view, shown.trace, shown.n_steps)
        if self.by_link:
            self.notes += lines_about(unusable)
        self.by_link = False
        if self.view.cache not in shown.caches:
            # The player still waits for the other way, and has to begin anew to give that up.
            self.view = replace(self.view, cache=shown.caches[0])
            self.view_number += 1
