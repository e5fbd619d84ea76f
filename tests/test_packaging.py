"""What is released: the source distribution holds what it takes to test, document and build the package."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOT_OURS = shutil.ignore_patterns(
    ".*", "node_modules", "build", "dist", "__pycache__", "*.egg-info", "*.so", "site", "coverage"
)
BUILD = "from setuptools import build_meta; import sys; print(build_meta.build_sdist(sys.argv[1]))"


def test_the_source_distribution_holds_tests_documentation_examples_and_the_makefile(tmp_path: Path) -> None:
    source = shutil.copytree(ROOT, tmp_path / "source", ignore=NOT_OURS)
    wanted = {str(each.relative_to(source)) for each in source.rglob("*") if each.is_file()}
    # What machines leave in a folder that tools have run in is left out.
    (source / "tests" / "node" / "node_modules" / "ws").mkdir(parents=True)
    (source / "tests" / "node" / "node_modules" / "ws" / "index.js").write_text("")
    (source / "filtered_websocket" / "old.so").write_text("")
    subprocess.run([sys.executable, "-c", BUILD, tmp_path], cwd=source, check=True, capture_output=True, timeout=120)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {each.name.partition("/")[2] for each in opened if each.isfile()}
    assert wanted <= names
    assert {"Makefile", "tests/conftest.py", "docs/writing-filters.md", "examples/chat_server.py"} <= names
    made = {name for name in names - wanted if ".egg-info/" not in name}
    assert made == {"PKG-INFO", "setup.cfg"}
