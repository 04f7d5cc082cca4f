"""One byte-level BPE tokenizer for all models, so that their tokens can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, pre_tokenizers, processors, trainers
from tokenizers.models import BPE

from training.files import write_whole

END_OF_TEXT = "<|endoftext|>"
PAD, MASK, CLS, SEP = "[PAD]", "[MASK]", "[CLS]", "[SEP]"
N_SENTINELS = 32
SENTINELS = tuple(f"<extra_id_{i}>" for i in range(N_SENTINELS))
SPECIAL_TOKENS = (END_OF_TEXT, PAD, MASK, CLS, SEP, *SENTINELS)
N_SPECIAL = len(SPECIAL_TOKENS)
D_VOCAB = 4096


def train_tokenizer(documents: Iterable[str], d_vocab: int = D_VOCAB) -> Tokenizer:
    """Learns the merges from documents; the special tokens take the first ids.

    Args:
        documents: The training texts.
        d_vocab: Number of entries, special tokens and the 256 bytes included.

    Returns:
        A tokenizer that adds no special tokens by itself and gives back every text unchanged.
    """
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=d_vocab,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents, trainer)
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path, *, family: str, n_ctx: int) -> None:
    """Writes the two files from which `AutoTokenizer` loads without a network.

    BERT wraps a text in [CLS] ... [SEP], T5 ends it with the end-of-text token and Llama begins it
    with that token; GPT-2 adds nothing. The vocabulary is the same. What stands for a hidden word
    takes in the space before it, as the word does: "a [MASK]." is read as "a dog." is, without a
    lone space.

    Args:
        tokenizer: The trained tokenizer; it is not changed.
        folder: Where the files go.
        family: "gpt2", "llama", "bert" or "t5".
        n_ctx: Longest input that the model has positions for.
    """
    copy = Tokenizer.from_str(tokenizer.to_str())
    settings: dict[str, object] = {
        "tokenizer_class": "TokenizersBackend",
        "model_max_length": n_ctx,
        "pad_token": PAD,
        "eos_token": END_OF_TEXT,
        "clean_up_tokenization_spaces": False,
    }
    if family in ("gpt2", "llama"):
        settings |= {"bos_token": END_OF_TEXT}
    if family == "llama":
        copy.post_processor = processors.TemplateProcessing(
            single=f"{END_OF_TEXT} $A",
            pair=f"{END_OF_TEXT} $A {END_OF_TEXT} $B:1",
            special_tokens=[(END_OF_TEXT, copy.token_to_id(END_OF_TEXT))],
        )
    if family == "bert":
        settings |= {"mask_token": MASK, "cls_token": CLS, "sep_token": SEP}
        copy.post_processor = processors.TemplateProcessing(
            single=f"{CLS} $A {SEP}",
            pair=f"{CLS} $A {SEP} $B:1 {SEP}:1",
            special_tokens=[(t, copy.token_to_id(t)) for t in (CLS, SEP)],
        )
    if family == "t5":
        settings |= {"additional_special_tokens": list(SENTINELS)}
        copy.post_processor = processors.TemplateProcessing(
            single=f"$A {END_OF_TEXT}",
            special_tokens=[(END_OF_TEXT, copy.token_to_id(END_OF_TEXT))],
        )
    hiding = {"bert": (MASK,), "t5": SENTINELS}.get(family, ())
    state = json.loads(copy.to_str())
    for token in state["added_tokens"]:
        token["lstrip"] = token["content"] in hiding
    written = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
    write_whole(folder / "tokenizer.json", written.encode())
    write_whole(folder / "tokenizer_config.json", json.dumps(settings, indent=2).encode())
