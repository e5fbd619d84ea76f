"""The same filter in a chain more than once, each time with options of its own."""

from filtered_websocket.config.option import Option, Options
from filtered_websocket.config.parsers import text
from filtered_websocket.config.uses import Use
from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.pipeline.modules import further_roots
from filtered_websocket.pipeline.uses import Uses

WORD, SECRET = (Option(name, text, "none", "help", scope="use", secret=name == "key") for name in ("word", "key"))
OPTIONS = Options([(WORD, "the pipeline's", "default"), (SECRET, "", "default")])
ADDS = """
    from filtered_websocket.config import Option
    from filtered_websocket.config.parsers import text
    OPTIONS = (Option("word", text, "none", "what is put behind a message", scope="use"),)
    class Add(WebSocketMessageFilter):
        @classmethod
        def filter(cls, instance, data):
            return data + cls.options.word
    """


def use(files, name, **written):
    if not written:
        return Use(files.prefix + name)
    return Use(files.prefix + name, tuple(written.items()), OPTIONS.replace(**written))


def chain(files, *given, root=WebSocketMessageFilter, former=None):
    uses = Uses([use(files, each) if isinstance(each, str) else each for each in given], OPTIONS, former)
    return uses.chain(root)


def test_each_use_has_its_options_and_a_name_of_its_own(files):
    files.write(add=ADDS).load("add")
    first, second, third = chain(files, use(files, "add", word="a"), use(files, "add", word="b"), "add")
    assert [each.step(None, "-") for each in (first, second, third)] == ["-a", "-b", "-the pipeline's"]
    assert [each.__qualname__ for each in (first, second, third)] == ["Add?word=a", "Add?word=b", "Add"]
    assert [each.use for each in (first, second, third)] == ["?word=a", "?word=b", ""]


def test_uses_that_are_written_alike_are_two_and_those_without_options_one(files):
    files.write(add=ADDS).load("add")
    twice = chain(files, use(files, "add", word="a"), "add", use(files, "add", word="a"), "add")
    assert [each.__name__ for each in twice] == ["Add?word=a", "Add", "Add?word=a #2"]


def test_a_secret_is_in_no_name(files):
    files.write(add=ADDS).load("add")
    (one,) = chain(files, use(files, "add", word="x", key="s3cret"))
    assert one.__name__ == "Add?word=x&key=***"
    assert one.options.key == "s3cret"


def test_a_filter_whose_module_declares_no_option_of_a_use_is_itself_in_every_chain(files):
    files.write(plain="class Plain(WebSocketMessageFilter): pass\n").load("plain")
    (one,) = chain(files, "plain")
    assert one in WebSocketMessageFilter._filters
    assert not hasattr(one, "options")


def test_what_a_module_imports_is_there_once_beside_uses_of_that_module(files):
    files.write(
        plain="class Plain(WebSocketMessageFilter): pass\n", add="from {p}plain import Plain\n" + ADDS.strip("\n ")
    )
    source = (files.path / f"{files.prefix}add.py").read_text().replace("\n    ", "\n")
    (files.path / f"{files.prefix}add.py").write_text(source)
    files.load("add")
    found = chain(files, use(files, "add", word="a"), use(files, "add", word="b"))
    assert [each.__name__ for each in found] == ["Plain", "Add?word=a", "Add?word=b"]


def test_a_module_of_a_package_has_the_options_that_its_package_declares_also_where_another_brings_it(files):
    head, _, rest = ADDS.partition("class Add")
    files.write(
        pack__init=head, pack__parts="class Add" + rest.replace("\n    ", "\n"), mine="from {p}pack.parts import Add"
    )
    files.load("mine")
    (plain,) = chain(files, "mine")
    assert plain.step(None, "-") == "-the pipeline's"
    (own,) = chain(files, Use(f"{files.prefix}mine", (("word", "a"),), OPTIONS.replace(word="a")))
    assert (own.step(None, "-"), own.__name__) == ("-a", "Add?word=a")


def test_a_use_joins_no_chain(files):
    files.write(add=ADDS).load("add")
    before = list(WebSocketMessageFilter._filters)
    chain(files, use(files, "add", word="a"))
    assert before == WebSocketMessageFilter._filters


def test_a_use_that_is_wanted_again_stays_and_gets_its_new_options_when_they_are_in_force(files):
    files.write(add=ADDS).load("add")
    given = [use(files, "add", word="a"), use(files, "add", word="b"), use(files, "add")]
    former = Uses(given, OPTIONS)
    a, b, plain = former.chain(WebSocketMessageFilter)
    later = OPTIONS.replace(word="new", key="k")
    now = Uses(
        [Use(given[0].module, given[0].written, later.replace(word="a")), use(files, "add", word="c"), given[2]],
        later,
        former,
    )
    same, c, again = now.chain(WebSocketMessageFilter)
    assert (same, again) == (a, plain)
    assert c not in (a, b, plain)
    assert (a.options.key, c.options.word, plain.options.word) == ("", "c", "the pipeline's")
    now.settle()
    assert (a.options.key, a.options.word, plain.options.word) == ("k", "a", "new")


def test_chains_of_ones_own_come_in_the_same_order_also_from_modules_without_any_other_filter(files):
    files.write(
        root="from filtered_websocket.filters.base import FilterBase, FilterMeta\n"
        "class Call(FilterBase, metaclass=FilterMeta): pass\n",
        b="from {p}root import Call\nclass B(Call): pass\n",
        a="import {p}b\nfrom {p}root import Call\nclass A(Call): pass\n",
    ).load("a")
    (root,) = [each for each in further_roots() if each.__name__ == "Call" and each.__module__ == files.prefix + "root"]
    assert [each.__name__ for each in chain(files, "a", "b", root=root)] == ["B", "A"]
    assert files.modules("a") == ["b", "a"]
