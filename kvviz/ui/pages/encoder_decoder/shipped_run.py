"""Makes the run that the page shows before it has a model; see `kvviz.ui.work.shipped_runs`."""

from __future__ import annotations

from kvviz.ui.pages.encoder_decoder import blanks, filled, settings
from kvviz.ui.work import shipped_runs

if __name__ == "__main__":
    shipped_runs.make(shipped_runs.T5, settings.usual(), blanks.as_read, filled.final_sentinels)
