import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from training.tokenizer import N_SPECIAL, SENTINELS, save_tokenizer, train_tokenizer


@pytest.fixture(scope="module")
def tokenizer(stories):
    return train_tokenizer(stories, 400)


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@settings(max_examples=60, deadline=None)
def test_every_text_comes_back_unchanged(tokenizer, text):
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    special = any(i < N_SPECIAL for i in ids)
    assert special or tokenizer.decode(ids) == text


def test_the_special_tokens_of_all_models_take_the_first_ids(tokenizer):
    names = ["<|endoftext|>", "[PAD]", "[MASK]", "[CLS]", "[SEP]", *SENTINELS]
    assert [tokenizer.token_to_id(name) for name in names] == list(range(37))
    assert tokenizer.get_vocab_size() <= 400


@pytest.mark.parametrize(
    ("family", "wrapped"),
    [
        ("gpt2", "The king"),
        ("bert", "[CLS]The king[SEP]"),
        ("t5", "The king<|endoftext|>"),
        ("llama", "<|endoftext|>The king"),
    ],
)
def test_transformers_loads_the_folder_by_itself(tokenizer, tmp_path, family, wrapped):
    save_tokenizer(tokenizer, tmp_path, family=family, n_ctx=1024)
    loaded = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    assert loaded.decode(loaded("The king")["input_ids"]) == wrapped
    assert loaded.model_max_length == 1024
    assert (loaded.eos_token_id, loaded.pad_token_id) == (0, 1)
    assert loaded.mask_token_id == (2 if family == "bert" else None)


@pytest.mark.parametrize(("family", "name"), [("bert", "[MASK]"), ("t5", "<extra_id_3>")])
def test_what_hides_a_word_takes_in_the_space_before_it(tokenizer, tmp_path, family, name):
    save_tokenizer(tokenizer, tmp_path, family=family, n_ctx=1024)
    loaded = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    tight, spaced = (
        loaded(text, add_special_tokens=False)["input_ids"]
        for text in (f"The{name} king", f"The {name} king")
    )
    assert spaced == tight
    assert spaced.count(loaded.convert_tokens_to_ids(name)) == 1


def test_saving_for_bert_leaves_the_shared_tokenizer_alone(tokenizer, tmp_path):
    before = tokenizer.to_str()
    save_tokenizer(tokenizer, tmp_path, family="bert", n_ctx=1024)
    assert tokenizer.to_str() == before
