import pytest

from kvviz.errors import ModelNotFoundError, OptionsError
from kvviz.ui.shell.environment import Environment


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
    assert environment == Environment(("gpt2", "distilgpt2"), "cpu", 64, 5)


@pytest.mark.parametrize("name", ["KVVIZ_MAX_NEW_TOKENS", "KVVIZ_CONCURRENCY"])
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
