"""Full collections of Python's garbage, which walk through all objects there are.

Torch, transformers and a loaded model are half a million of them. A class at once sets off a full
collection now and then, and for a tenth of a second or two nothing else went on: no page, no run.
"""

from __future__ import annotations

import gc


def pass_over_what_is_there() -> None:
    """Have no collection walk through the objects of now any more, which are to stay.

    Those of them that do not stay are given back as ever, unless they hold one another in a circle:
    these wait for `collect_all`.
    """
    gc.collect()
    gc.freeze()


def collect_all() -> None:
    """Collect what nobody holds any more, also of the objects that have been passed over."""
    was_passed_over = gc.get_freeze_count() > 0
    gc.unfreeze()
    gc.collect()
    if was_passed_over:
        gc.freeze()
