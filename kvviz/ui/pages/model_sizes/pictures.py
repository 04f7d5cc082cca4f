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
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.model_sizes.choice import FORMATS, Choice, accelerators, models
from kvviz.ui.pages.model_sizes.result_cards import Bill, every_accelerator
from kvviz.ui.parts import card_texts, chart
from kvviz.ui.parts.cards import opening
from kvviz.ui.parts.quantity import in_bytes
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.model_names import WEIGHTS

BUNDLED = "gpt2-mini"


def ladder(choice: Choice) -> None:
    """Draw all models over the years, the chosen one with a ring."""
    with st.container(border=True, key="kvviz-card-ladder"):
        card_texts.head(_("The ladder"), lessons().caption("model-ladder").text)
        n = len(model_table())
        alt = ngettext(
            "{n:,} model by month and by parameters, on a scale of powers of ten, from GPT-1 in "
            "2018 on; {model} has a ring. The table below has the numbers.",
            "{n:,} models by month and by parameters, on a scale of powers of ten, from GPT-1 in "
            "2018 on; {model} has a ring. The table below has the numbers.",
            n,
        ).format(n=n, model=choice.model.name)
        chart.draw(model_ladder(model_table(), chosen=choice.row), alt, tags=["published"])
        st.html(
            f'<p class="kvviz-source">{plain_html(lessons().caption("model-ladder").source)}</p>'
        )


def growth(choice: Choice, found: Bill) -> None:
    """Draw how the cache grows with the context, or why there is nothing to draw."""
    caption = lessons().caption("cache-growth")
    with st.container(border=True, key="kvviz-card-growth", height="stretch"):
        shape = choice.model.shape
        title, model = _("How the cache grows"), choice.model.name
        if shape is None or not found.cache_of_one:
            card_texts.head(
                title, _("{model} has no cache that is counted here.").format(model=model)
            )
            return
        card_texts.head(title, caption.text)
        chart.draw(
            cache_growth(shape, found.weights, n_tokens=choice.n_tokens, n_users=choice.users,
                         number=FORMATS[choice.kv]),
            _(
                "Bytes of the KV cache of {model} over the tokens of context: {cache} at {n:,}, "
                "beside weights of {weights}."
            ).format(
                model=model,
                cache=in_bytes(found.cache),
                n=choice.n_tokens,
                weights=in_bytes(found.weights),
            ),
            tags=["formula"],
        )  # fmt: skip
        st.html(f'<p class="kvviz-source">{plain_html(caption.source)}</p>')


def accelerator_list(choice: Choice, found: Bill) -> None:
    """Draw what each accelerator would do."""
    caption = lessons().caption("fits")
    with st.container(border=True, key="kvviz-card-accelerators", height="stretch"):
        card_texts.head(
            _("On each accelerator"), _("How many hold it all, and how many users then fit.")
        )
        st.html(every_accelerator(choice, found))
        sources = [f"{chip.name}, {chip.maker}: {chip.memory_gb:,} GB. {chip.source}."
                   for chip in accelerators().values()]  # fmt: skip
        opening("accelerators", [caption.text, *sources], caption.source)


def parts(choice: Choice) -> None:
    """Draw where parameters live: GPT-2 small, the bundled model, and the chosen one."""
    counts = counted_parts(choice)
    caption = lessons().caption("parameter-parts")
    with st.container(border=True, key="kvviz-card-parts"):
        card_texts.head(_("Where parameters live"), caption.text)
        said = "; ".join(
            f"{name}: " + ", ".join(f"{size / count.total:.0%} {_(part)}"
                                    for part, size in count.parts.items())
            for name, count in counts.items()
        )  # fmt: skip
        # Translators: {models} is "GPT-2 small: 32% embeddings, 23% attention, …; GPT-2 mini: …".
        alt = _("Shares of the parameters. {models}.").format(models=said)
        chart.draw(parameter_parts(counts), alt, tags=["formula"])
        lines = [
            f"{name}: "
            + " + ".join(f"{size:,} {_(part)}" for part, size in count.parts.items())
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
