import pytest

from training.errors import CorpusError
from training.packing import load_packed, pack, upsample
from training.tokenizer import train_tokenizer


def test_short_documents_are_taken_three_times_and_long_ones_once():
    assert upsample(("a" * 1299, "b" * 1300)) == ["a" * 1299] * 3 + ["b" * 1300]


def test_packing_loses_nothing_and_ends_every_document(stories):
    tokenizer = train_tokenizer(stories, 400)
    tokens = pack(stories, tokenizer, seed=3)
    texts = tokenizer.decode(tokens.tolist(), skip_special_tokens=False).split("<|endoftext|>")
    assert texts.pop() == ""
    assert sorted(texts) == sorted(stories)
    assert texts != stories


def test_the_seed_decides_the_order(stories):
    tokenizer = train_tokenizer(stories, 400)
    one, same, other = (pack(stories, tokenizer, seed).tolist() for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_the_packed_corpus_is_made_once(corpus_folder, tmp_path, monkeypatch):
    first = load_packed(corpus_folder, tmp_path / "work", seed=0)
    monkeypatch.setattr("training.packing.pack", None)
    again = load_packed(corpus_folder, tmp_path / "work", seed=0)
    assert again.tokens.tolist() == first.tokens.tolist()
    assert again.origin == first.origin
    assert first.origin["n_documents"] == 52
    assert first.origin["n_documents_with_copies"] == 26 * 3 + 26


def test_another_corpus_is_packed_anew(corpus_folder, write_corpus, stories, tmp_path):
    before = load_packed(corpus_folder, tmp_path / "work", seed=0)
    write_corpus({"stories.txt.xz": stories[:10], "encyclopedic.txt.xz": stories[10:12]})
    after = load_packed(corpus_folder, tmp_path / "work", seed=0)
    assert after.origin["n_documents"] == 12
    assert after.origin["checksums"] != before.origin["checksums"]


def test_damaged_tokens_are_noticed(corpus_folder, tmp_path):
    load_packed(corpus_folder, tmp_path / "work", seed=0)
    data = tmp_path / "work" / "packed.uint16"
    data.write_bytes(data.read_bytes()[:-2])
    with pytest.raises(CorpusError, match="packed corpus is damaged"):
        load_packed(corpus_folder, tmp_path / "work", seed=0)
