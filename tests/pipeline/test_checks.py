"""What modules declare as CHECK is asked once for each use, with its options."""

from filtered_websocket.config.option import Option, Options
from filtered_websocket.config.parsers import text
from filtered_websocket.config.pipelines import PipelineConfig
from filtered_websocket.config.uses import Use
from filtered_websocket.pipeline.checks import checks, declared_faults
from tests.support.module_files import Files


def test_each_use_is_asked_for_with_its_options(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    files = Files(tmp_path).write(one="def CHECK(options): return options.word")
    files.load("one")
    name, options = f"{files.prefix}one", Options([(Option("word", text, "", ""), "general", "default")])
    uses = (Use(name), Use(name, (("word", "a"),), options.replace(word="a")), Use(name))
    found = list(checks(PipelineConfig("", ("*",), uses, options), "CHECK"))
    assert [check(its) for check, its in found] == ["general", "a"]


def test_what_a_module_finds_wrong_is_said_of_its_pipeline(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    files = Files(tmp_path).write(
        one="""
        from filtered_websocket.errors import ConfigError

        def CHECK(options):
            raise ConfigError(f"{options.word} is no word")

        def CHECK_PIPELINES(options, pipelines):
            raise ConfigError(f"{len(pipelines)} pipelines have it")
        """
    )
    files.load("one")
    name = f"{files.prefix}one"
    options = Options([(Option("word", text, "", ""), "a", "default")])
    there = [PipelineConfig(each, (f"/{each}",), (Use(name),), options) for each in ("", "live")]
    whole = Options([(Option("pipelines", text, (), ""), there, "default")])
    assert [fault for error in declared_faults(whole) for fault in error.faults] == [
        "a is no word",
        "pipelines.live: a is no word",
        "2 pipelines have it",
    ]
