"""What is wrong with options."""

import pytest

from filtered_websocket.errors import ConfigError


def faults(*arguments, **keywords):
    function, *rest = arguments
    with pytest.raises(ConfigError) as refused:
        function(*rest, **keywords)
    return refused.value.faults
