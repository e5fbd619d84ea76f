"""Which paths are served by which filters, with which options."""

import pytest

from filtered_websocket.config.declarations import FILTERS
from filtered_websocket.config.uses import WANTED, Use
from filtered_websocket.errors import ConfigError
from tests.support.declared_options import faults


def test_without_pipelines_the_filters_serve_all_paths(configure):
    (pipeline,) = configure().resolve().pipelines
    assert (pipeline.name, pipeline.patterns, pipeline.filters) == ("", ("*",), tuple(FILTERS.default))
    assert pipeline.options.port == 9000


def test_a_pipeline_has_patterns_filters_and_options_of_its_own(configure):
    pipelines = {
        "/chat": ["chat", "both"],
        "/app/* /apps/*": {"filters": ["both", "pushi"], "max_message_size": "64k", "apps": {"a": "s3cret"}},
    }
    configuration = configure("-m", "5", file={"filters": ["plain"], "pipelines": pipelines})
    options = configuration.resolve()
    other, chat, app = options.pipelines
    assert other.filters == ("plain",)
    assert (chat.name, chat.patterns, chat.filters) == ("/chat", ("/chat",), ("chat", "both"))
    assert (app.name, app.patterns, app.filters) == ("/app/*", ("/app/*", "/apps/*"), ("both", "pushi"))
    assert [each.options.max_message_size for each in options.pipelines] == [5, 5, 65536]
    assert app.options.source("max_message_size") == "config.json: pipelines./app/* /apps/*"
    assert app.options.apps == {"a": "s3cret"}
    assert app.options.filters == [Use("both"), Use("pushi")]
    assert options.max_message_size == 5
    assert configuration.filter_modules() == ("plain", "chat", "both", "pushi")
    assert "s3cret" not in repr(options)


def test_with_pipelines_and_no_filters_other_paths_have_none(configure):
    configuration = configure("--pipelines", '{"/chat": "chat"}')
    assert [pipeline.name for pipeline in configuration.resolve().pipelines] == ["/chat"]
    assert configuration.filter_modules() == ("chat",)


def test_faults_in_pipelines_are_named_with_their_path(configure):
    pipelines = {
        "/chat": {"filters": ["chat"], "max_mesage_size": 1, "max_message_size": True, "port": 1},
        "/app": {"max_message_size": 1},
        "/chat /more": [],
        "more": [],
        "": [],
        "/number": 5,
        "/same /same": [],
    }
    assert faults(configure(file={"pipelines": pipelines, "filters": 5})) == [
        f"config.json: filters: {WANTED}, not 5",
        'config.json: pipelines./app: "filters" are wanted, a list of modules',
        "config.json: pipelines./chat /more: a path is wanted that is not there already",
        "config.json: pipelines.more: paths are wanted that begin with / or *",
        "config.json: pipelines.: paths are wanted that begin with / or *",
        f"config.json: pipelines./number: {WANTED}",
        "config.json: pipelines./same /same: a path is wanted that is not there already",
        'config.json: unknown option "max_mesage_size" at pipelines./chat; did you mean "max_message_size"?',
        "config.json: pipelines./chat.max_message_size: bytes from 1 to 1073741824 are wanted, such as 65536, 64k or "
        "1M, not true",
        'config.json: the option "port" at pipelines./chat is one of the whole server',
    ]
    with pytest.raises(ConfigError):
        configure(file={"pipelines": pipelines}).filter_modules()


def test_pipelines_that_are_no_object_are_refused_without_showing_them(configure):
    assert faults(configure("--pipelines", '{"/a": s3cret')) == [
        "--pipelines: JSON is wanted: Expecting value at line 1, column 8"
    ]
