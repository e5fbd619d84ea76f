"""A class of one use: it reads its options, and joins no chain."""

from types import SimpleNamespace

from filtered_websocket.chain.using import used
from filtered_websocket.filters.base import FilterBase, FilterMeta
from tests.support.chains import new_chain


def test_a_use_runs_its_filter_with_options_and_name_of_its_own(chain):
    class Add(chain):
        """Adds."""

        @classmethod
        def filter(cls, web_socket_instance, data):
            return data + cls.options.word

    one, two = (used(Add, SimpleNamespace(word=word), f"?word={word}", {}) for word in "ab")
    assert (one.step(None, "-"), two.step(None, "-")) == ("-a", "-b")
    assert (one.__qualname__, one.__module__, one.__doc__) == (f"{Add.__qualname__}?word=a", __name__, "Adds.")
    assert chain._filters == [Add]
    one.kept = 1
    assert not hasattr(two, "kept")
    assert not hasattr(Add, "kept")


def test_a_filter_with_one_parameter_and_a_metaclass_without_keywords_have_uses_too():
    class Meta(FilterMeta):
        def __init__(cls, name, bases, namespace):
            super().__init__(name, bases, namespace)

    class Root(FilterBase, metaclass=Meta):
        pass

    class One(Root):
        @classmethod
        def filter(cls, web_socket_instance):
            return cls.options

    assert used(One, "these", "?", {}).step(None, "data") == "these"
    assert Root._filters == [One]


def test_what_is_told_of_a_step_names_its_use():
    from filtered_websocket.chain.definition import name_of

    class Say(new_chain()):
        @classmethod
        def filter(cls, web_socket_instance, data):
            return None

    use = used(Say, None, "?a=b", {})
    assert name_of(use.step) == f"{__name__}.{use.__qualname__}.filter"
    assert name_of(Say.step).endswith("Say.filter")
