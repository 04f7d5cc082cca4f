"""What the player draws of the bundled T5, against transformers on the same checkpoint."""

from importlib.resources import files

import numpy as np
import pytest
import torch
from transformers import T5ForConditionalGeneration

from kvviz.engine import load_model, trace_both
from kvviz.player import pack
from tests.payload_reader import square, unpack

TEXT = "Once there was a little<extra_id_0> in the<extra_id_1>."
N_NEW = 8

LIMIT = 0.5 / 255 + 1e-5
"""A weight travels as a byte, rounded to the nearest; the weights themselves agree to 1e-6."""


@pytest.fixture(scope="module")
def run():
    """A run both ways, and what the player is sent of it."""
    both = trace_both(load_model("kvviz/t5-mini", device="cpu"), TEXT, max_new_tokens=N_NEW)
    header, arrays = unpack(pack(both))
    return both.cached, header, arrays


@pytest.fixture(scope="module")
def theirs(run):
    """The attentions of one pass of transformers over the same tokens."""
    trace, _, _ = run
    folder = str(files("kvviz") / "weights" / "t5-mini")
    # The file holds float16, which transformers would keep to.
    plain = T5ForConditionalGeneration.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32
    ).eval()
    with torch.no_grad():
        return plain(
            torch.tensor(trace.encoder.token_ids)[None],
            decoder_input_ids=torch.tensor(trace.token_ids[: trace.n_rows])[None],
            output_attentions=True,
        )


@pytest.mark.parametrize("cache", ["on", "off"])
def test_both_maps_of_the_player_are_the_attentions_of_transformers(run, theirs, cache):
    trace, header, arrays = run
    for layer in range(trace.model.n_layers):
        own = theirs.decoder_attentions[layer][0].numpy()
        cross = theirs.cross_attentions[layer][0].numpy()
        for head in range(trace.model.n_heads):
            sent = square(arrays[f"{cache}.pattern.{layer}"][head], header["n_rows"]) / 255
            assert np.abs(sent - own[head]).max() <= LIMIT
        sent = arrays[f"{cache}.cross_pattern.{layer}"] / 255
        assert sent.shape == cross.shape
        assert np.abs(sent - cross).max() <= LIMIT
        # Heads differ, so that one in the place of another would be seen.
        assert np.abs(cross[0] - cross[1]).max() > 0.05


def test_the_maps_of_the_trace_are_the_attentions_of_transformers(run, theirs):
    trace, _, _ = run
    for layer, head in np.ndindex(trace.model.n_layers, trace.model.n_heads):
        own = np.nan_to_num(trace.pattern(layer, head))
        assert np.abs(own - theirs.decoder_attentions[layer][0, head].numpy()).max() < 1e-5
        cross = trace.cross_pattern(layer, head)
        assert np.abs(cross - theirs.cross_attentions[layer][0, head].numpy()).max() < 1e-5
        encoder = trace.encoder.pattern(layer, head)
        assert np.abs(encoder - theirs.encoder_attentions[layer][0, head].numpy()).max() < 1e-5
