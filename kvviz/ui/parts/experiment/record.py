"""What a person has answered in this session, and what came out of the work that was done."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from kvviz.ui.work.jobs import Job

NAME = "kvviz:experiments"
N_ANSWERS = 64
N_RESULTS = 16
"""Two readings of a page's longest text are some megabytes. What was pushed out is done again."""

SHOW_ME: tuple[Any, ...] = ()
"""The answers of a person who would rather see it at once."""

Key = tuple[str, Hashable]
"""The name of a question or of a piece of work, and what it is about."""


@dataclass(frozen=True)
class Given:
    """What was answered.

    Attributes:
        answers: One for each choice, or `SHOW_ME`.
        number: Which answer of the session it was, from 1 on; 0 where nothing was asked.
    """

    answers: tuple[Any, ...]
    number: int = 0


@dataclass
class Record:
    """The experiments of one person, on all pages.

    Attributes:
        given: Answers, by question and subject.
        seen: Questions whose answer the person has brought about on the page.
        results: What work gave, by its name and subject.
        jobs: Work under way, by the same. It goes on when the page is drawn anew.
        stopped: Work that the person has cancelled.
    """

    given: OrderedDict[Key, Given] = field(default_factory=OrderedDict)
    seen: set[Key] = field(default_factory=set)
    results: OrderedDict[Key, Any] = field(default_factory=OrderedDict)
    jobs: dict[Key, Job] = field(default_factory=dict)
    stopped: set[Key] = field(default_factory=set)
    _n_given: int = 0

    @classmethod
    def here(cls) -> Record:
        """Return this session's record, new if there is none."""
        if NAME not in st.session_state:
            st.session_state[NAME] = cls()
        return st.session_state[NAME]

    def answer(self, key: Key, answers: tuple[Any, ...]) -> None:
        """Take in what was answered."""
        self._n_given += 1
        self.given[key] = Given(answers, self._n_given)
        while len(self.given) > N_ANSWERS:
            oldest, _ = self.given.popitem(last=False)
            self.seen.discard(oldest)

    def kept(self, key: Key, make: Callable[[], Any]) -> Any:
        """Return a result, made at most once while it is remembered; an error is not."""
        if key not in self.results:
            self.results[key] = make()
            while len(self.results) > N_RESULTS:
                self.results.popitem(last=False)
        self.results.move_to_end(key)
        return self.results[key]

    def begin(self, key: Key, job: Job) -> Job:
        """Take in a job that begins, and cancel one of its name that is about something else."""
        for other in [other for other in self.jobs if other[0] == key[0]]:
            self.jobs.pop(other).cancel()
        self.jobs[key] = job
        return job

    def stop(self, key: Key) -> None:
        """Cancel a job, and remember that it is not wanted."""
        self.stopped.add(key)
        job = self.jobs.pop(key, None)
        if job is not None:
            job.cancel()
