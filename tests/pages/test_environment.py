from dataclasses import replace

import pytest

from kvviz.errors import ModelNotFoundError, OptionsError
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.mode import CAPS, LAPTOP, MODES


def test_defaults():
    environment = Environment.read({})
    assert environment == Environment(None, "auto", 1024, 2)


def test_each_variable_is_read():
    environment = Environment.read(
        {
            "KVVIZ_MODELS": "gpt2, distilgpt2",
            "KVVIZ_DEVICE": "cpu",
            "KVVIZ_MAX_NEW_TOKENS": "64",
            "KVVIZ_CONCURRENCY": "5",
        }
    )
    mode = replace(LAPTOP, new_tokens=64)
    assert environment == Environment(("gpt2", "distilgpt2"), "cpu", 64, 5, mode)


@pytest.mark.parametrize(
    "name", ["KVVIZ_CONCURRENCY", *(variable for variable, _ in CAPS.values())]
)
@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", "10000000"])
def test_a_wrong_number_is_named_with_what_was_found(name, text):
    with pytest.raises(OptionsError, match=name) as caught:
        Environment.read({name: text})
    assert repr(text) in caught.value.found


@pytest.mark.parametrize(
    ("models", "name", "typed_here", "allowed"),
    [
        ("", "kvviz/gpt2-mini", False, True),
        ("", "gpt2", True, True),
        ("", "gpt2", False, False),
        ("", "kvviz/../../etc", False, False),
        ("", "kvviz/gpt2-mini/../x", False, False),
        ("bundled", "gpt2", True, False),
        ("bundled", "kvviz/gpt2-mini", False, True),
        ("gpt2,org/*", "gpt2", False, True),
        ("gpt2,org/*", "org/any", False, True),
        ("gpt2,org/*", "gpt2-xl", True, False),
        ("*", "/some/folder", False, True),
    ],
)
def test_which_models_may_be_loaded(models, name, typed_here, allowed):
    environment = Environment.read({"KVVIZ_MODELS": models})
    assert environment.allows(name, typed_here=typed_here) is allowed
    if not allowed:
        with pytest.raises(ModelNotFoundError) as caught:
            environment.require(name, typed_here=typed_here)
        assert name in caught.value.found


def test_a_mode_brings_its_caps_and_each_gives_way_to_its_own_variable():
    for name, mode in MODES.items():
        assert Environment.read({"KVVIZ_MODE": name}).mode == mode
    environment = Environment.read({"KVVIZ_MODE": "classroom", "KVVIZ_MAX_RUNS": "3"})
    assert environment.mode == replace(MODES["classroom"], runs=3)
    assert environment.max_new_tokens == MODES["classroom"].new_tokens


def test_public_is_tighter_than_a_class_and_a_laptop_has_no_cap_that_it_had_not():
    laptop, classroom, public = MODES.values()
    for cap in CAPS:
        assert getattr(public, cap) < getattr(classroom, cap)
    capped = {cap for cap in CAPS if getattr(laptop, cap) is not None}
    assert capped == {"new_tokens"}
    assert laptop.new_tokens == 1024


def test_who_makes_the_runs_is_this_process_unless_ray_is_named():
    assert Environment.read({}).runner == "local"
    assert Environment.read({"KVVIZ_RUNNER": " ray "}).runner == "ray"
    with pytest.raises(OptionsError, match=r"KVVIZ_RUNNER is one of local, ray\. It is 'slurm'\."):
        Environment.read({"KVVIZ_RUNNER": "slurm"})


def test_where_ray_serve_listens_is_an_address_of_http():
    assert Environment.read({}).ray_url == "http://127.0.0.1:8000/"
    for given in ("https://runs.example:8443/kvviz", "https://runs.example:8443/kvviz/"):
        read = Environment.read({"KVVIZ_RAY_URL": given})
        assert read.ray_url == "https://runs.example:8443/kvviz/"


@pytest.mark.parametrize(
    "wrong",
    ["10.0.0.7:8000", "ray://10.0.0.7:10001", "http://", "http://h:99999", "http://h:0",
     "http://h/?a=b", "http://[::1", "http://h x/", "http://me:secret@h/"],
)  # fmt: skip
def test_what_is_no_such_address_is_named_without_a_secret(wrong):
    with pytest.raises(OptionsError, match=r"KVVIZ_RAY_URL .*http://127\.0\.0\.1:8000/") as caught:
        Environment.read({"KVVIZ_RAY_URL": wrong})
    assert wrong.rpartition("@")[2] in caught.value.found
    assert "secret" not in str(caught.value)


def test_an_unknown_mode_is_named_with_those_that_there_are():
    with pytest.raises(OptionsError, match="laptop, classroom, public") as caught:
        Environment.read({"KVVIZ_MODE": "school"})
    assert "'school'" in caught.value.found


@pytest.mark.parametrize("mode", ["classroom", "public"])
def test_a_visitor_names_no_model_where_the_app_is_for_others(mode):
    listed = Environment.read({"KVVIZ_MODE": mode, "KVVIZ_MODELS": "gpt2,/srv/models/mine"})
    assert listed.listed == ("gpt2", "/srv/models/mine")
    assert listed.allows("/srv/models/mine", typed_here=False)
    plain = Environment.read({"KVVIZ_MODE": mode})
    for name in ("gpt2", "/srv/models/mine", "kvviz/../../etc"):
        assert not plain.allows(name, typed_here=True)
    assert plain.allows("kvviz/gpt2-mini", typed_here=False)


@pytest.mark.parametrize("models", ["*", "gpt2,org/*", "gpt?"])
def test_a_pattern_would_let_a_visitor_name_a_model(models):
    with pytest.raises(OptionsError, match="full names"):
        Environment.read({"KVVIZ_MODE": "public", "KVVIZ_MODELS": models})


def test_what_is_trusted_is_the_name_of_one_header():
    assert Environment.read({"KVVIZ_TRUSTED_HEADER": "X-Real-IP"}).trusted_header == "x-real-ip"
    with pytest.raises(OptionsError, match="KVVIZ_TRUSTED_HEADER"):
        Environment.read({"KVVIZ_TRUSTED_HEADER": "X-Real-IP, X-Forwarded-For"})
