"""What modules declare as CHECK is asked once for each use, with its options."""

from filtered_websocket.config.option import Option, Options
from filtered_websocket.config.parsers import text
from filtered_websocket.config.pipelines import PipelineConfig
from filtered_websocket.config.uses import Use
from filtered_websocket.pipeline.checks import checks
from tests.support.module_files import Files


def test_each_use_is_asked_for_with_its_options(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    files = Files(tmp_path).write(one="def CHECK(options): return options.word")
    files.load("one")
    name, options = f"{files.prefix}one", Options([(Option("word", text, "", ""), "general", "default")])
    uses = (Use(name), Use(name, (("word", "a"),), options.replace(word="a")), Use(name))
    found = list(checks(PipelineConfig("", ("*",), uses, options), "CHECK"))
    assert [check(its) for check, its in found] == ["general", "a"]
