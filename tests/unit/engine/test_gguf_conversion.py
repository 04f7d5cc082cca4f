"""A GGUF becomes a folder whose model computes what the one that went into the GGUF did."""

import gguf
import pytest
import torch
from transformers import AutoTokenizer

from kvviz.engine import load_model
from kvviz.engine.models.gguf_conversion import convert
from kvviz.errors import ModelFamilyError, ModelFilesError
from tests.parity.tiny_models import PROMPT, tiny_tokenizer
from tests.tiny_gguf import TEMPLATE, tiny_llama, write_gguf


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


def converted(file, folder):
    told = []
    convert(file, folder, lambda done, of: told.append((done, of)))
    assert told == [(done, told[0][1]) for done in range(told[0][1] + 1)]
    return load_model(folder, device="cpu")


def test_the_model_is_the_one_that_was_written(whole, tmp_path):
    ours, first = converted(whole, tmp_path / "made"), tiny_llama()
    assert ours.tokenize(PROMPT) == tiny_tokenizer()(PROMPT)["input_ids"]
    assert AutoTokenizer.from_pretrained(tmp_path / "made").chat_template == TEMPLATE
    ids = torch.tensor([ours.tokenize(PROMPT)])
    with torch.no_grad():
        theirs, made = first(ids).logits, ours.module(ids).logits
        for weight in first.parameters():
            weight.copy_(weight.half())
        kept = first(ids).logits
    # float16 keeps 11 bits of each weight, and keeps the same ones wherever it is done.
    # What is left is that products are summed in another order; the largest logit is near 10.
    assert (made - kept).abs().max() < 1e-4
    assert 0 < (made - theirs).abs().max() < 0.05 * theirs.abs().max()


def test_four_bits_are_made_what_gguf_says_they_are(tmp_path):
    kind = gguf.GGMLQuantizationType.Q4_1
    file = write_gguf(tmp_path / "tiny.gguf", kind=kind)
    ours = converted(file, tmp_path / "made")
    weight = tiny_llama().model.layers[1].mlp.up_proj.weight.detach().numpy()
    kept = torch.tensor(gguf.dequantize(gguf.quantize(weight, kind), kind)).half().float()
    assert torch.equal(ours.module.model.layers[1].mlp.up_proj.weight, kept)


def test_a_file_that_is_cut_or_none(whole, tmp_path):
    data = whole.read_bytes()
    for number, kept in enumerate((data[: len(data) // 2], data[:-4096], data[:100], b"", b"no")):
        file = tmp_path / f"{number}.gguf"
        file.write_bytes(kept)
        with pytest.raises(ModelFilesError, match="cut short, damaged, or none") as caught:
            convert(file, tmp_path / "made", lambda done, of: None)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("written", "kind", "words"),
    [
        ({"architecture": "mamba"}, ModelFamilyError, "It says 'mamba'"),
        ({"template": "{{ raise_exception('no') }}"}, ModelFilesError, "chat template fails"),
        ({"template": "{% for"}, ModelFilesError, "chat template fails"),
        ({"template": "{{ 1 / 0 }}"}, ModelFilesError, "division by zero"),
    ],
)
def test_what_is_not_taken(written, kind, words, tmp_path):
    file = write_gguf(tmp_path / "tiny.gguf", **written)
    with pytest.raises(kind, match=words):
        convert(file, tmp_path / "made", lambda done, of: None)
    assert not (tmp_path / "made").exists()


def test_numbers_of_a_kind_that_cannot_be_read(whole, tmp_path, monkeypatch):
    def dequantize(data, kind):
        raise NotImplementedError(f"no {kind}")

    monkeypatch.setattr(gguf, "dequantize", dequantize)
    with pytest.raises(ModelFilesError, match="weight is F32"):
        convert(whole, tmp_path / "made", lambda done, of: None)
    data = bytearray(whole.read_bytes())
    at = data.index(b"token_embd.weight") + len(b"token_embd.weight") + 4 + 2 * 8
    assert data[at : at + 4] == b"\0\0\0\0"  # F32
    data[at] = 250
    file = tmp_path / "newer.gguf"
    file.write_bytes(data)
    with pytest.raises(ModelFilesError, match=r"of a kind that .*250"):
        convert(file, tmp_path / "made", lambda done, of: None)
