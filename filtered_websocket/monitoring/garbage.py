"""Python's collector of cycles, which here has little to find: it looks at what is new less often.

CPython looks after 700 objects that have stayed, which here are some 15 clients that come in, or 70 publications that
a channel keeps: nearly all of what it looks at then stays for long, and each of them is looked at twice more. And
whenever what has stayed long has grown by a quarter, it looks at all there is: some 100,000 objects that were imported.
"""

import gc

YOUNG = 3_000
"""Objects that have stayed, after which the youngest are looked at."""
MIDDLE = 2
"""More looks than this, and those that have stayed are looked at again: after 9,000 objects, CPython after 7,700. What
could be garbage is bounded as there: an object of a client's may be large."""


def collect_less() -> None:
    """Raise the first threshold, where it is neither higher nor 0, which turns the collector off."""
    young, middle, old = gc.get_threshold()
    if 0 < young < YOUNG:
        gc.set_threshold(YOUNG, min(middle, MIDDLE), old)


def set_aside() -> None:
    """Have it look no more at what there is now: what was imported, before clients come."""
    if gc.isenabled():
        gc.collect()
        gc.freeze()


def take_back() -> None:
    """Have it look at all again: some of what was set aside is to be replaced."""
    gc.unfreeze()
