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
    folders = [source / name for name in ("bench", "contrib", "docs", "examples", "filtered_websocket", "tests")]
    wanted = {str(each.relative_to(source)) for folder in folders for each in folder.rglob("*") if each.is_file()}
    # What machines leave in a folder that tools have run in is left out.
    (source / "tests" / "node" / "node_modules" / "ws").mkdir(parents=True)
    (source / "tests" / "node" / "node_modules" / "ws" / "index.js").write_text("")
    (source / "filtered_websocket" / "old.so").write_text("")
    subprocess.run([sys.executable, "-c", BUILD, tmp_path], cwd=source, check=True, capture_output=True, timeout=120)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {each.name.partition("/")[2] for each in opened if each.isfile()}
    assert wanted <= names
    top = {name for name in names if "/" not in name}
    made = {"PKG-INFO", "setup.cfg"}
    assert top == made | {
        "CHANGELOG.md", "LICENSE", "MANIFEST.in", "Makefile", "README.md", "config.json", "mkdocs.yml",
        "pyproject.toml", "setup.py",
    }  # fmt: skip
    assert {name for name in names - wanted - top if ".egg-info/" not in name} == set()
