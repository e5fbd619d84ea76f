"""Modules that cannot be imported."""

import pytest

from filtered_websocket.errors import ConfigError
from filtered_websocket.pipeline.modules import load

# What cannot be imported.


def fault_of(name):
    with pytest.raises(ConfigError) as error:
        load(name)
    (fault,) = error.value.faults
    assert "\n" not in fault
    return fault


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("no_such_module_at_all", "no_such_module_at_all"),
        ("no_such_module_at_all.filters", "no_such_module_at_all"),
        ("filtered_websocket.filters.no_such", "filtered_websocket.filters.no_such"),
        ("json.decoder.no_such", "json.decoder.no_such"),
    ],
)
def test_a_missing_module_is_said_to_be_missing(name, missing):
    assert fault_of(name) == (
        f"filter module {name}: not found (no module {missing!r} on the Python path or in the current directory)"
    )


@pytest.mark.parametrize("name", ["", ".relative", "a..b", "with space"])
def test_what_is_no_modules_name_is_a_fault_of_one_line(name):
    assert fault_of(name).startswith(f"filter module {name}: ")


def test_a_module_that_raises_is_named_with_its_file_and_line_and_the_reason(files):
    files.write(raises="x = 1\nraise ValueError('two\\nlines of it')\n")
    name = f"{files.prefix}raises"
    assert fault_of(name) == (f"filter module {name}: ValueError: two lines of it ({files.path / name}.py, line 3)")


def test_the_line_is_the_users_where_a_library_raised(files):
    files.write(raises="import json\n\n\njson.loads('nonsense')\n")
    assert f"{files.prefix}raises.py, line 5)" in fault_of(f"{files.prefix}raises")


def test_the_line_is_that_of_the_module_which_raised_though_another_was_named(files):
    files.write(top="import {p}deep\n", deep="\ndef work():\n    1 / 0\nwork()\n")
    fault = fault_of(f"{files.prefix}top")
    assert fault.startswith(f"filter module {files.prefix}top: ZeroDivisionError: division by zero (")
    assert fault.endswith(f"{files.prefix}deep.py, line 4)")


def test_a_module_that_imports_what_is_missing_says_what_and_where(files):
    files.write(needs="import no_such_library\n")
    fault = fault_of(f"{files.prefix}needs")
    assert "ModuleNotFoundError: No module named 'no_such_library' (" in fault
    assert fault.endswith(f"{files.prefix}needs.py, line 2)")


def test_a_syntax_error_names_file_and_line(files):
    files.write(broken="\nclass (\n")
    assert f"SyntaxError: invalid syntax ({files.prefix}broken.py, line 3)" in fault_of(f"{files.prefix}broken")


def test_a_module_that_wants_to_exit_is_a_fault_like_any_other(files):
    files.write(exits="import sys\nsys.exit('not configured')\n")
    fault = fault_of(f"{files.prefix}exits")
    assert "SystemExit: not configured (" in fault
    assert fault.endswith(f"{files.prefix}exits.py, line 3)")


def test_a_modules_own_configuration_error_is_said_in_its_words(files):
    files.write(
        wants="from filtered_websocket import errors\nraise errors.ConfigError('my_secret: is wanted', 'and more')\n"
    )
    with pytest.raises(ConfigError) as error:
        files.load("wants")
    assert error.value.faults == ("my_secret: is wanted", "and more")
