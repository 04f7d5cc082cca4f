"""A class at once, without browsers: each visitor's run is held to the same run made alone.

It stands here for the sake of the server, which the tests of this folder share.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import numpy as np
import pytest

import kvviz
from benchmarks.visitor import Visitor
from kvviz.player import pack
from tests.payload_reader import unpack

N_NEW = 40
OWN = [f"The {animal} went to the {place} and" for animal, place in (
    ("cat", "house"), ("dog", "river"), ("bird", "tree"), ("girl", "garden"), ("boy", "boat"),
    ("king", "road"))]  # fmt: skip
LINK = "One day a small red bird saw the sea"
PATIENCE_S = 60
MOST_BYTES_APART = 2
"""Keys and values come rounded to 1/127 of their head's largest. Rows made together differ from
those made alone by 1e-5 at most (decision 27): that moves a number over the edge of a rounding
step, and the scale that the steps are of."""


async def _comes(address: str, prompt: str, after_s: float) -> Visitor:
    await asyncio.sleep(after_s)
    visitor = Visitor(address, "kv_cache", urlencode({"prompt": prompt, "new": N_NEW}))
    await visitor.open()
    return visitor


async def _class(address: str) -> list[tuple[str, bytes]]:
    """Let twelve come within a second, one of whom leaves at once; return what the others saw."""

    async def stays(prompt: str, after_s: float) -> tuple[str, bytes]:
        visitor = await _comes(address, prompt, after_s)
        try:
            seen = await visitor.player(PATIENCE_S)
            assert await visitor.click(3, PATIENCE_S) < PATIENCE_S
            assert visitor.complaints == []
            return prompt, seen
        finally:
            await visitor.close()

    async def leaves() -> None:
        await (await _comes(address, "Who leaves again", 0.5)).close()

    prompts = [*OWN[:3], *[LINK] * 5, *OWN[3:]]
    seen = await asyncio.gather(
        *(stays(prompt, number / 12) for number, prompt in enumerate(prompts)), leaves()
    )
    return [one for one in seen if one is not None]


@pytest.fixture(scope="module")
def seen(address):
    # Playwright's loop goes on in this thread.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _class(address)).result()


def test_everybody_sees_the_run_of_their_own_prompt_as_it_is_alone(seen):
    assert len(seen) == len(OWN) + 5
    model = kvviz.load_model("kvviz/gpt2-mini", device="cpu")
    for prompt in {*OWN, LINK}:
        alone = kvviz.trace_generation(model, prompt, max_new_tokens=N_NEW)
        header, arrays = unpack(pack(alone))
        for buffer in (buffer for asked, buffer in seen if asked == prompt):
            found, numbers = unpack(buffer)
            assert found["tokens"] == header["tokens"]
            run, expected = found["runs"][0], header["runs"][0]
            for name in ("n_fed", "n_computed", "n_reused", "chosen_ids", "flops", "cache_bytes"):
                assert run[name] == expected[name], name
            assert run["reuse_is_proven"]
            # The same arithmetic, in another order of its sums where runs were made together.
            np.testing.assert_allclose(run["chosen_probs"], expected["chosen_probs"], atol=1e-4)
            rows = [name for name in arrays if name.startswith(("on.keys.", "on.values."))]
            assert len(rows) == 2 * model.card.n_layers
            for name in rows:
                apart = numbers[name].astype(int) - arrays[name].astype(int)
                assert np.abs(apart).max() <= MOST_BYTES_APART, name


def test_some_share_their_passes(seen):
    together = [unpack(buffer)[0]["runs"][0]["n_together"] for _, buffer in seen]
    assert max(together) > 1, together


def test_equal_links_are_given_the_same_run(seen):
    runs = {unpack(buffer)[0]["id"] for prompt, buffer in seen if prompt == LINK}
    assert len(runs) <= 2  # who comes when all is quiet may have it made both ways
