"""`streamlit run app.py`, but nothing is made again for the sake of its times.

What is short is run three times for a visitor, and a short text read eight times. No test in a
browser looks at those times, and all that work would fall on the cores that draw the page. The app
as it ships is opened by `test_installed_package.py`, and the times are a matter of `tests/pages`.
"""

from __future__ import annotations

import sys

from streamlit.web.cli import main

from kvviz.ui.pages.language_modelling import readings
from kvviz.ui.work import runs

if __name__ == "__main__":
    runs.N_TIMINGS = readings.MOST_PASSES = 1
    sys.argv = ["streamlit", "run", "app.py", *sys.argv[1:]]
    main()
