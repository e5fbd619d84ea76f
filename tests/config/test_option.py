"""The values that count."""

import pytest

from filtered_websocket.config import Option, Options, documentation, integer
from tests.support.declared_options import PORT, faults


def test_options_are_frozen_and_say_which_names_there_are(configure):
    options = configure().resolve()
    with pytest.raises(AttributeError, match='there is no option "prot"; did you mean "port"'):
        options.prot  # noqa: B018
    with pytest.raises(AttributeError, match="no option"):
        options.source("prot")
    with pytest.raises(AttributeError, match="no option"):
        options.replace(prot=1)
    with pytest.raises(AttributeError, match="frozen"):
        options.port = 1
    with pytest.raises(AttributeError, match="frozen"):
        del options.port
    assert not hasattr(options, "anything")


def test_replaced_options_are_others(configure):
    options = configure().resolve()
    replaced = options.replace(port=1)
    assert isinstance(replaced, Options)
    assert (options.port, replaced.port, replaced.source("port"), replaced.key) == (9000, 1, "replace", None)


def test_iterating_gives_options_values_and_sources(configure):
    assert (PORT, 5, "--port") in list(configure("-p5").resolve())


def test_a_secret_shows_nowhere(configure):
    configuration = configure("--admin_secret", "s3cret")
    options = configuration.resolve()
    assert options.admin_secret == "s3cret"
    assert "s3cret" not in repr(options)
    hidden = Option("hidden_secret", integer(0, 5), "s3cret", "", secret=True)
    configuration = configure(file={"hidden_secret": "s3cret"})
    configuration.declare([hidden], "mine")
    assert faults(configuration) == ["config.json: hidden_secret: an integer from 0 to 5 is wanted"]
    assert "s3cret" not in configuration.help() + documentation(configuration.declared)
