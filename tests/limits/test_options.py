"""What a client may use."""

from filtered_websocket.limits import options as limits
from tests.support.limit_options import resolve


def test_every_limit_is_an_option_and_on_by_default_but_those_the_banner_names():
    declared = [value for name, value in vars(limits).items() if isinstance(value, limits.Option)]
    assert set(declared) == set(limits.OPTIONS)
    options = resolve()
    for option in declared:
        if option not in (limits.COMPRESSION, limits.CHANNELS):
            assert bool(getattr(options, option.name)) == (option not in limits.OFF_BY_DEFAULT), option.name
    assert options.allowed_origins == ["same-host"]
