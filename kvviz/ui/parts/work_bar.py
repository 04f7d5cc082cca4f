"""Work under way: how far it is, its place in the line, and the way to stop it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kvviz.translation import front_end_catalogue
from kvviz.ui.rooms import Process
from kvviz.ui.shell.front_end import front_end
from kvviz.ui.work.job_endpoint import ADDRESS
from kvviz.ui.work.jobs import Job

HERE = Path(__file__).parent
STYLE = HERE / "work_bar.css"


def _component() -> Callable[..., Any]:
    """Return what mounts it."""
    return front_end("kvviz_work_bar", HERE / "work_bar.bundle.js", STYLE)


def draw(job: Job, key: str, *, wakes: bool = True) -> None:
    """Draw how far a job is; the bar asks for it by itself, and runs no script until it is done.

    Args:
        job: The job.
        key: Of the bar on its page.
        wakes: Whether the page is drawn anew once the job is done. One that waits for it in its
            script need not be.
    """
    _component()(key=key, data=payload(job, wakes=wakes), on_over_change=lambda: None)


def payload(job: Job, *, wakes: bool) -> dict[str, Any]:
    """Return what a bar is told of the job that it draws."""
    return {
        **front_end_catalogue(),
        # not for people: the end of an address
        "address": Process.read().address(f"{ADDRESS}/{job.key}"),
        "status": job.status(),
        "wakes": wakes,
    }
