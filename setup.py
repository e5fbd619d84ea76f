import re
from pathlib import Path

from setuptools import Extension, setup

_LINK = re.compile(r"!?\[([^\]]*)\]\((?![a-z]+:)[^)]*\)")


def description() -> str:
    """The README for an index of packages, where links to files of the repository lead nowhere: their texts stay."""
    text = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    return _LINK.sub(r"\1", text) + "\nThe files named here are in the source distribution.\n"


setup(
    long_description=description(),
    long_description_content_type="text/markdown",
    # Without a compiler the rest is installed all the same.
    ext_modules=[
        Extension(
            "filtered_websocket.messages._accelerator", ["filtered_websocket/messages/accelerator.c"], optional=True
        )
    ],
)
