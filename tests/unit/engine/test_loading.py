"""Every way in which a model can fail to load has its own words, and a sound one loads."""

from __future__ import annotations

import json
import shutil
import socket

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from tokenizers.processors import TemplateProcessing
from transformers import (
    BertForPreTraining,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    GPT2DoubleHeadsModel,
    GPT2ForQuestionAnswering,
    GPT2ForSequenceClassification,
    GPT2ForTokenClassification,
    GPT2LMHeadModel,
    T5ForQuestionAnswering,
    T5ForSequenceClassification,
)

from kvviz.engine import list_bundled, load_model, trace_generation
from kvviz.engine.models import loading
from kvviz.errors import (
    DeviceError,
    ModelFamilyError,
    ModelFilesError,
    ModelNotFoundError,
    OptionsError,
    OutOfMemoryError,
)
from tests.parity.tiny_berts import TinyBert
from tests.parity.tiny_models import PROMPT, TinyModel, tiny_tokenizer
from tests.parity.tiny_t5s import TinyT5


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a socket was opened")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_network")
def test_bundled_model_loads_without_a_network():
    assert "kvviz/gpt2-mini" in list_bundled(family="gpt2")
    model = load_model("kvviz/gpt2-mini", device="cpu")
    assert (model.card.name, model.card.source) == ("kvviz/gpt2-mini", "bundled")
    assert model.text_of(model.tokenize("Once upon a time, “naïve” 😀")) == (
        "Once upon a time, “naïve” 😀"
    )


@pytest.mark.usefixtures("no_network")
def test_folder_loads_without_a_network(tiny_folder):
    assert load_model(str(tiny_folder)).card.source == "folder"


def test_list_bundled_can_be_narrowed_to_a_family():
    assert list_bundled(family="no such family") == []
    assert set(list_bundled(family="gpt2")) <= set(list_bundled())


def test_card_and_revision_are_those_of_the_files(folder):
    first = load_model(folder).card
    weights = load_file(folder / "model.safetensors")
    weights["transformer.ln_f.bias"] += 1
    save_file(weights, folder / "model.safetensors")
    second = load_model(folder).card
    assert first.revision != second.revision
    assert first.revision.startswith("sha256:")


def test_auto_takes_the_device_that_the_environment_names(folder, monkeypatch):
    monkeypatch.setenv("KVVIZ_DEVICE", "cuda:99")
    with pytest.raises(DeviceError, match=r"cuda:99 is not on this machine"):
        load_model(folder)
    monkeypatch.setenv("KVVIZ_DEVICE", "cpu")
    assert load_model(folder).card.device == "cpu"


def test_weights_without_the_prefix_and_with_old_masks_load(folder):
    path = folder / "model.safetensors"
    weights = {name.removeprefix("transformer."): array for name, array in load_file(path).items()}
    weights["h.0.attn.bias"] = np.tril(np.ones((1, 1, 48, 48), dtype=np.uint8))
    weights["h.0.attn.masked_bias"] = np.float32(-1e4).reshape(1)
    before = load_model(folder)
    save_file(weights, path)
    after = load_model(folder)
    for name, tensor in before.module.state_dict().items():
        assert torch.equal(tensor, after.module.state_dict()[name]), name


def test_weights_in_parts_load(folder):
    plain = GPT2LMHeadModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    plain.save_pretrained(folder, max_shard_size="30KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    assert load_model(folder).card.n_params == plain.num_parameters()
    next(folder.glob("model-*.safetensors")).unlink()
    with pytest.raises(ModelFilesError, match="lacks a part of the weights"):
        load_model(folder)


def test_untied_head_without_its_weights_is_refused(tmp_path):
    folder = TinyModel("untied", config={"tie_word_embeddings": False}).save(tmp_path)
    drop(folder, "lm_head.weight")
    with pytest.raises(ModelFilesError, match=r"1 tensor is missing: lm_head\.weight"):
        load_model(folder)


def test_untied_t5_head_without_its_weights_is_refused(tmp_path):
    config = {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
    folder = TinyT5("version 1.1", as_published=True, config=config).save(tmp_path)
    drop(folder, "lm_head.weight")
    with pytest.raises(ModelFilesError, match=r"1 tensor is missing: lm_head\.weight"):
        load_model(folder)


HEADS = {
    "GPT-2 with two heads": (GPT2DoubleHeadsModel, TinyModel("tiny"), "multiple_choice_head"),
    "GPT-2 of sequences": (GPT2ForSequenceClassification, TinyModel("tiny"), "score"),
    "GPT-2 of tokens": (GPT2ForTokenClassification, TinyModel("tiny"), "classifier"),
    "GPT-2 of answers": (GPT2ForQuestionAnswering, TinyModel("tiny"), "qa_outputs"),
    "BERT for pretraining": (BertForPreTraining, TinyBert("tiny"), "cls.seq_relationship, pooler"),
    "BERT of sequences": (BertForSequenceClassification, TinyBert("tiny"), "classifier, pooler"),
    "BERT of answers": (BertForQuestionAnswering, TinyBert("tiny"), "qa_outputs"),
    "T5 of sequences": (T5ForSequenceClassification, TinyT5("tiny"), "classification_head"),
    "T5 of answers": (T5ForQuestionAnswering, TinyT5("tiny"), "qa_outputs"),
}


@pytest.mark.parametrize("case", HEADS)
def test_heads_for_other_tasks_are_left_out_and_named(case, tmp_path, caplog):
    kind, tiny, heads = HEADS[case]
    config = tiny.build_config()
    config.summary_use_proj, config.num_labels = True, 3
    config.pad_token_id = config.pad_token_id or 0
    folder = tiny.save(tmp_path / "model")
    plain = kind(config)
    plain.save_pretrained(folder)
    # Without its names the head's numbers could be any: the rest must be where it belongs.
    with caplog.at_level("INFO", logger="kvviz.engine.models.loading"):
        model = load_model(folder)
    assert model.left_out == tuple(heads.split(", "))
    assert f"without heads for other tasks: {heads}" in caplog.text
    theirs = plain.base_model.state_dict()
    ours = model.module.base_model.state_dict()
    for name in ours.keys() & theirs.keys():
        assert torch.equal(ours[name], theirs[name]), name
    assert len(ours.keys() & theirs.keys()) > 20


def test_nothing_is_left_out_of_a_checkpoint_of_just_what_is_needed(model, caplog):
    assert model.left_out == ()
    assert not caplog.text


def test_settings_that_do_not_shape_a_gpt2_are_left_alone(folder):
    # Taken at its word, a huge num_labels would fill all memory with label names.
    set_config(folder, num_labels=10_000, attn_pdrop=7, experts_implementation="x")
    config = load_model(folder).module.config
    assert (config.num_labels, config.attn_pdrop) == (2, 0.1)


def test_settings_may_go_by_their_other_names(folder):
    path = folder / "config.json"
    path.write_text(path.read_text().replace('"n_embd"', '"hidden_size"'))
    assert load_model(folder).card.d_model == 24


def set_config(folder, **settings):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


def change(folder, edit):
    path = folder / "model.safetensors"
    weights = load_file(path)
    edit(weights)
    save_file(weights, path)


def drop(folder, name):
    change(folder, lambda weights: weights.pop(name))


def cut(folder, name, keep):
    path = folder / name
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])


def only_pickle(folder):
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")


def no_tokenizer(folder):
    for path in folder.glob("*token*"):
        path.unlink()


def transposed(weights):
    name = "transformer.h.1.mlp.c_fc.weight"
    weights[name] = np.ascontiguousarray(weights[name].T)


def not_finite(weights):
    weights["transformer.h.0.ln_1.weight"][3] = np.nan


def whole_numbers(weights):
    name = "transformer.h.0.attn.c_attn.weight"
    weights[name] = weights[name].astype(np.int8)


def says(**settings):
    """Return what makes a config say this."""
    return lambda folder: set_config(folder, **settings)


def holds(name, text):
    """Return what makes a file hold this text."""
    return lambda folder: (folder / name).write_text(text)


BROKEN_FOLDERS = {
    "no config": (lambda f: (f / "config.json").unlink(), r"has no config\.json"),
    "config cut short": (lambda f: cut(f, "config.json", 0.5), r"config\.json is not JSON"),
    "config not UTF-8": (
        lambda f: (f / "config.json").write_bytes(b"\xff\xfe{}"),
        r"config\.json is not JSON",
    ),
    "config a list": (holds("config.json", "[1]"), r"does not hold settings. It holds a list"),
    "config nested without end": (holds("config.json", "[" * 100_000), r"config\.json is not JSON"),
    "width not divisible": (says(n_head=5), r"A width of 24 cannot be cut into 5 heads"),
    "no heads": (says(n_head=0), r"n_head is 0"),
    "negative layers": (says(n_layer=-1), r"n_layer is -1"),
    "empty mlp": (says(n_inner=0), r"n_inner is 0"),
    "size as text": (says(n_embd="24"), r"do not describe a GPT-2.*n_embd"),
    "unknown activation": (
        says(activation_function="wobble"),
        r"activation function 'wobble' is unknown",
    ),
    "end of text not an id": (
        holds("generation_config.json", '{"eos_token_id": "stop"}'),
        r"eos_token_id is 'stop'",
    ),
    "generation config not JSON": (
        holds("generation_config.json", "{"),
        r"generation_config\.json is not JSON",
    ),
    "more layers than weights": (
        says(n_layer=10**9),
        r"weights have 3 layers, the config says 1000000000",
    ),
    "fewer layers than weights": (says(n_layer=2), r"weights have 3 layers, the config says 2"),
    "huge vocabulary": (
        says(vocab_size=10**12),
        r"wte\.weight has the shape \(320, 24\), the config calls for \(1000000000000, 24\)",
    ),
    "other positions": (
        says(n_positions=64),
        r"wpe\.weight has the shape \(48, 24\), the config calls for \(64, 24\)",
    ),
    "tensor missing": (
        lambda f: drop(f, "transformer.h.1.attn.c_attn.bias"),
        r"1 tensor is missing: h\.1\.attn\.c_attn\.bias",
    ),
    "tensor too many": (
        lambda f: change(f, lambda w: w.update({"scores.weight": np.ones(3, np.float32)})),
        r"1 tensor belongs to no GPT-2: scores\.weight",
    ),
    "tensor transposed": (
        lambda f: change(f, transposed),
        r"c_fc\.weight has the shape \(96, 24\), the config calls for \(24, 96\)",
    ),
    "not finite": (
        lambda f: change(f, not_finite),
        r"no finite float32 numbers. Some of transformer\.h\.0\.ln_1\.weight",
    ),
    "integers": (lambda f: change(f, whole_numbers), r"not floating-point numbers.*holds I8"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), r"has no weights"),
    "only pickle": (only_pickle, r"safetensors files only.*pytorch_model\.bin"),
    "weights empty": (
        lambda f: cut(f, "model.safetensors", 0),
        r"damaged or cut short. It has 0 bytes",
    ),
    "weights cut in the header": (
        lambda f: cut(f, "model.safetensors", 0.01),
        r"damaged or cut short",
    ),
    "weights cut in the data": (
        lambda f: cut(f, "model.safetensors", 0.9),
        r"damaged or cut short",
    ),
    "weights are noise": (
        lambda f: (f / "model.safetensors").write_bytes(bytes(range(256)) * 40),
        r"damaged or cut short",
    ),
    "weights are a pointer": (
        holds(
            "model.safetensors",
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n",
        ),
        r"Git LFS pointer.*git lfs pull",
    ),
    "no tokenizer": (no_tokenizer, r"has no tokenizer"),
    "tokenizer not JSON": (holds("tokenizer.json", "{"), r"tokenizer cannot be read"),
    "tokenizer of another kind": (holds("tokenizer.json", "{}"), r"tokenizer cannot be read"),
    "a gpt2 that says bert": (
        says(model_type="bert"),
        r"weights have 0 layers, the config says 12",
    ),
    "a gpt2 that says t5": (says(model_type="t5", num_layers=3), r"weights have 0 layers"),
    "bert whose heads do not divide its width": (
        says(model_type="bert", hidden_size=24, num_attention_heads=5),
        r"describe a BERT.*A width of 24 cannot be cut into 5 heads",
    ),
    "bert padded with no token": (
        says(model_type="bert", pad_token_id=10**6),
        r"pad_token_id is 1000000",
    ),
    "t5 with one bucket": (
        says(model_type="t5", relative_attention_num_buckets=1),
        r"relative_attention_num_buckets is 1",
    ),
    "t5 with short distances": (
        says(model_type="t5", relative_attention_max_distance=16),
        r"distances reach 16, too few for 32 buckets",
    ),
}

OTHER_KINDS = {
    "bert as a decoder": (
        says(model_type="bert", is_decoder=True),
        r"BERT that was built into another kind",
    ),
    "bert with relative positions": (
        says(model_type="bert", position_embedding_type="relative_key"),
        r"'relative_key', not absolute",
    ),
    "t5 of an encoder alone": (
        says(model_type="t5", is_encoder_decoder=False),
        r"only an encoder or only a decoder",
    ),
    "mamba": (says(model_type="mamba"), r"cannot run this kind.*'mamba'"),
    "llama of another architecture": (says(model_type="llama"), r"'llama'.*'GPT2LMHeadModel'"),
    "no model type": (says(model_type=["gpt2"]), r"cannot run this kind"),
    "cross-attention": (says(add_cross_attention=True), r"built into another kind"),
    "both ways": (says(is_causal=False), r"built into another kind"),
    "quantised": (says(quantization_config={"quant_method": "gptq"}), r"quantised"),
}


@pytest.mark.parametrize("case", [*BROKEN_FOLDERS, *OTHER_KINDS])
def test_broken_folder_is_refused_in_its_own_words(case, folder, capfd):
    damage, words = (BROKEN_FOLDERS | OTHER_KINDS)[case]
    kind = ModelFamilyError if case in OTHER_KINDS else ModelFilesError
    damage(folder)
    with pytest.raises(kind, match=words) as caught:
        load_model(folder, device="cpu")
    assert caught.value.fix or caught.value.found
    printed = capfd.readouterr()
    assert printed.out + printed.err == "", "loading spoke to the console"


def test_code_beside_a_model_is_never_run(folder, tmp_path):
    trap = tmp_path / "sprung"
    (folder / "modeling.py").write_text(f"open({str(trap)!r}, 'w').close()\n")
    set_config(folder, auto_map={"AutoModelForCausalLM": "modeling.Model"})
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text())
    path.write_text(
        json.dumps({**settings, "auto_map": {"AutoTokenizer": ["modeling.Slow", "modeling.Fast"]}})
    )
    model = load_model(folder)
    assert trace_generation(model, PROMPT, max_new_tokens=1).steps
    assert not trap.exists()


def test_float16_that_overflows_is_refused(folder):
    change(folder, lambda w: w["transformer.ln_f.weight"].__setitem__(0, 1e30))
    with pytest.raises(ModelFilesError, match=r"no finite float16 numbers.*float32"):
        load_model(folder, dtype="float16")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("kvviz/gpt2-maxi", r"No model called kvviz/gpt2-maxi comes with kvviz.*kvviz/gpt2-mini"),
        ("kvviz/../../etc", r"No model called"),
        ("./no/such/folder", r"There is no folder \./no/such/folder"),
        ("/no/such/folder", r"There is no folder /no/such/folder"),
        ("~/no-such-folder", r"There is no folder"),
        ("", r"This names no model"),
        ("two words", r"This names no model. It is 'two words'"),
        ("a/b/c", r"There is no folder a/b/c"),
        ("<script>alert(1)</script>", r"This names no model|no folder"),
        (None, r"named by text or a path"),
        (7, r"named by text or a path"),
    ],
)
def test_name_that_is_none_is_refused(name, words):
    with pytest.raises(ModelNotFoundError, match=words):
        load_model(name)


def test_file_is_no_folder(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"")
    with pytest.raises(ModelNotFoundError, match="single file"):
        load_model(path)


def test_file_in_place_of_a_folder_part_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelNotFoundError, match="There is no folder"):
        load_model(tmp_path / "file" / "model")


@pytest.mark.parametrize("dtype", ["float8", "int8", "", None, torch.float32, 32])
def test_unknown_dtype_is_refused(tiny_folder, dtype):
    with pytest.raises(DeviceError, match="no number format called"):
        load_model(tiny_folder, dtype=dtype)


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("gpu", r"no device called 'gpu'"),
        ("", r"no device called ''"),
        (None, r"no device called None"),
        ("meta", r"does not run on meta"),
        ("cuda:99", r"cuda:99 is not on this machine"),
    ],
)
def test_unknown_device_is_refused(tiny_folder, device, words):
    with pytest.raises(DeviceError, match=words):
        load_model(tiny_folder, device=device)


def test_device_that_cannot_compute_the_dtype_is_refused(tiny_folder, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("\"addmm_impl_cpu_\" not implemented for 'Half'")

    monkeypatch.setattr(GPT2LMHeadModel, "forward", fail)
    with pytest.raises(DeviceError, match=r"cpu cannot compute with float16.*not implemented"):
        load_model(tiny_folder, device="cpu", dtype="float16")


def test_weights_that_cannot_fit_are_refused_before_they_are_loaded(folder, monkeypatch):
    n_numbers = load_model(folder, device="cpu").card.n_params
    monkeypatch.setattr(loading, "free_bytes", lambda device: 4 * n_numbers)
    load_model(folder, device="cpu")
    monkeypatch.setattr(loading, "_load_module", lambda *_: pytest.fail("it was loaded"))
    monkeypatch.setattr(loading, "free_bytes", lambda device: 4 * n_numbers - 1)
    with pytest.raises(OutOfMemoryError, match=f"{n_numbers:,} numbers of 4 bytes each are"):
        load_model(folder, device="cpu")


@pytest.mark.parametrize(
    "error",
    [RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), MemoryError()],
    ids=["torch", "python"],
)
def test_weights_too_large_for_memory_are_refused(tiny_folder, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(GPT2LMHeadModel, "from_pretrained", fail)
    with pytest.raises(OutOfMemoryError, match="do not fit into the memory of cpu"):
        load_model(tiny_folder, device="cpu")


def test_threads_set_to_nonsense_are_refused(tiny_folder, monkeypatch):
    for nonsense in ("0", "-1", "two", "1.5"):
        monkeypatch.setenv("KVVIZ_THREADS", nonsense)
        with pytest.raises(OptionsError, match="KVVIZ_THREADS"):
            load_model(tiny_folder, device="cpu")


def test_as_dtype_keeps_the_very_weights(model):
    double = model.as_dtype("float64")
    assert (double.card.dtype, model.card.dtype) == ("float64", "float32")
    for (name, ours), theirs in zip(
        double.module.state_dict().items(), model.module.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs.double()), name
    assert trace_generation(double, PROMPT, max_new_tokens=2).model.dtype == "float64"
    assert model.dtype == torch.float32
    with pytest.raises(DeviceError, match="no number format"):
        model.as_dtype("float8")


def test_nothing_is_added_to_a_prompt(folder):
    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)]
    )
    tokenizer.save_pretrained(folder)
    model = load_model(folder)
    assert 0 not in model.tokenize(PROMPT)
    assert model.text_of(model.tokenize(PROMPT)) == PROMPT


def test_tokenizer_that_knows_more_than_the_model_is_caught_at_the_prompt(folder):
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens([f"word{number}" for number in range(50)])
    shutil.rmtree(folder / "tokenizer.json", ignore_errors=True)
    tokenizer.save_pretrained(folder)
    model = load_model(folder)
    assert model.count_tokens("word1") == 1
    with pytest.raises(ModelFilesError, match=r"gives id \d+, the model knows 320 tokens"):
        trace_generation(model, "word1 and word49")
