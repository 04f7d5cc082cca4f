"""What every experiment does: ask, let predict, do, tell with numbers, and open the reason."""

from __future__ import annotations

from kvviz.ui.parts.experiment.experiment import Experiment, Outcome
from kvviz.ui.parts.experiment.question import Choice
from kvviz.ui.parts.experiment.record import SHOW_ME, Record
from kvviz.ui.parts.experiment.verdict import Verdict
from kvviz.ui.parts.experiment.work import Work

__all__ = ["SHOW_ME", "Choice", "Experiment", "Outcome", "Record", "Verdict", "Work"]
