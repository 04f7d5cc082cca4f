"""The page's pictures, each in its card with a heading, a sentence and its source."""

from __future__ import annotations

import json
import struct
from functools import cache

import streamlit as st

from kvviz.analysis.parameters import (
    ParameterCount,
    count_parameters,
    parameters_of_gpt2_tensors,
)
from kvviz.figures.cache_growth import cache_growth
from kvviz.figures.model_ladder import model_ladder
from kvviz.figures.parameter_parts import parameter_parts
from kvviz.lessons import lessons
from kvviz.lessons.model_table import model_table
from kvviz.ui.pages.model_sizes.choice import FORMATS, Choice, accelerators, models
from kvviz.ui.pages.model_sizes.result_cards import Bill, every_accelerator
from kvviz.ui.parts import chart
from kvviz.ui.parts.cards import opening
from kvviz.ui.parts.quantity import in_bytes
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.model_names import WEIGHTS

BUNDLED = "gpt2-mini"


def ladder(choice: Choice) -> None:
    """Draw all models over the years, the chosen one with a ring."""
    with st.container(border=True, key="kvviz-card-ladder"):
        _head("The ladder", lessons().caption("model-ladder").text)
        chart.draw(
            model_ladder(model_table(), chosen=choice.row),
            f"{len(model_table())} models by month and by parameters, on a scale of powers of ten, "
            f"from GPT-1 in 2018 on; {choice.model.name} has a ring. The table below has the "
            "numbers.",
        )
        st.html(
            f'<p class="kvviz-source">{plain_html(lessons().caption("model-ladder").source)}</p>'
        )


def growth(choice: Choice, found: Bill) -> None:
    """Draw how the cache grows with the context, or why there is nothing to draw."""
    caption = lessons().caption("cache-growth")
    with st.container(border=True, key="kvviz-card-growth", height="stretch"):
        shape = choice.model.shape
        if shape is None or not found.cache_of_one:
            _head("How the cache grows", f"{choice.model.name} has no cache that is counted here.")
            return
        _head("How the cache grows", caption.text)
        chart.draw(
            cache_growth(shape, found.weights, n_tokens=choice.n_tokens, n_users=choice.users,
                         number=FORMATS[choice.kv]),
            f"Bytes of the KV cache of {choice.model.name} over the tokens of context: "
            f"{in_bytes(found.cache)} at {choice.n_tokens:,}, beside weights of "
            f"{in_bytes(found.weights)}.",
        )  # fmt: skip
        st.html(f'<p class="kvviz-source">{plain_html(caption.source)}</p>')


def accelerator_list(choice: Choice, found: Bill) -> None:
    """Draw what each accelerator would do."""
    caption = lessons().caption("fits")
    with st.container(border=True, key="kvviz-card-accelerators", height="stretch"):
        _head("On each accelerator", "How many hold it all, and how many users then fit.")
        st.html(every_accelerator(choice, found))
        sources = [f"{chip.name}, {chip.maker}: {chip.memory_gb:,} GB. {chip.source}."
                   for chip in accelerators().values()]  # fmt: skip
        opening("accelerators", [caption.text, *sources], caption.source)


def parts(choice: Choice) -> None:
    """Draw where parameters live: GPT-2 small, the bundled model, and the chosen one."""
    counts = counted_parts(choice)
    caption = lessons().caption("parameter-parts")
    with st.container(border=True, key="kvviz-card-parts"):
        _head("Where parameters live", caption.text)
        said = "; ".join(
            f"{name}: " + ", ".join(f"{size / count.total:.0%} {part}"
                                    for part, size in count.parts.items())
            for name, count in counts.items()
        )  # fmt: skip
        chart.draw(parameter_parts(counts), f"Shares of the parameters. {said}.")
        lines = [
            f"{name}: "
            + " + ".join(f"{size:,} {part}" for part, size in count.parts.items())
            + f" = {count.total:,}."
            for name, count in counts.items()
        ]
        opening("parts", lines, caption.source)


def counted_parts(choice: Choice) -> dict[str, ParameterCount]:
    """Return the counts to draw; the bundled model's is made from the tensors of its file."""
    counts: dict[str, ParameterCount] = {}
    for name in dict.fromkeys(("gpt2", BUNDLED, choice.row)):
        shape = models()[name].shape
        if shape is not None:
            counts[models()[name].name] = (
                bundled_count() if name == BUNDLED else count_parameters(shape)
            )
    return counts


@cache
def bundled_count() -> ParameterCount:
    """Count the parameters in the bundled model's weights file, by the shapes in its header."""
    with (WEIGHTS / BUNDLED / "model.safetensors").open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return parameters_of_gpt2_tensors({name: one["shape"] for name, one in header.items()})


def _head(title: str, text: str) -> None:
    st.html(
        f'<div class="kvviz-heading" role="heading" aria-level="3">{plain_html(title)}</div>'
        f'<p class="kvviz-body">{plain_html(text)}</p>'
    )
