"""What is released: the source distribution, the wheel built from it, what an index shows of these; and the image."""

import configparser
import email
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from readme_renderer import markdown

ROOT = Path(__file__).parents[1]
DEADLINE = 300
NOT_OURS = shutil.ignore_patterns(
    ".*", "node_modules", "build", "dist", "__pycache__", "*.egg-info", "*.so", "site", "coverage"
)
FOLDERS = ("bench", "contrib", "docs", "examples", "filtered_websocket", "tests")
TOP = {
    "CHANGELOG.md", "LICENSE", "MANIFEST.in", "Makefile", "README.md", "SECURITY.md", "config.json", "mkdocs.yml",
    "pyproject.toml", "setup.py",
}  # fmt: skip
BUILD = "from setuptools import build_meta; import sys; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"
PAGE = "filtered_websocket/web/dashboard/page"


def build(what: str, source: Path, folder: Path) -> Path:
    command = [sys.executable, "-c", BUILD, f"build_{what}", folder]
    # How fast the C is matters to nobody here.
    environment = os.environ | {"CFLAGS": "-O0"}
    ran = subprocess.run(
        command, cwd=source, env=environment, check=True, capture_output=True, text=True, timeout=DEADLINE
    )
    return folder / ran.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    source = shutil.copytree(ROOT, folder / "source", ignore=NOT_OURS)
    # What machines leave in a folder that tools have run in is left out.
    (source / "tests" / "node" / "node_modules" / "ws").mkdir(parents=True)
    (source / "tests" / "node" / "node_modules" / "ws" / "index.js").write_text("")
    (source / "filtered_websocket" / "old.so").write_text("")
    return build("sdist", source, folder)


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as pip builds it for those that have the source distribution alone."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as opened:
        opened.extractall(folder, filter="data")
    return build("wheel", folder / sdist.name.removesuffix(".tar.gz"), folder)


def test_the_source_distribution_holds_tests_documentation_examples_and_the_makefile(sdist: Path) -> None:
    source = sdist.parent / "source"
    files = [each for name in FOLDERS for each in (source / name).rglob("*") if each.is_file() and each.suffix != ".so"]
    wanted = {str(each.relative_to(source)) for each in files if "node_modules" not in each.parts}
    with tarfile.open(sdist) as opened:
        names = {each.name.partition("/")[2] for each in opened if each.isfile()}
    assert wanted <= names
    top = {name for name in names if "/" not in name}
    assert top == TOP | {"PKG-INFO", "setup.cfg"}
    assert {name for name in names - wanted - top if ".egg-info/" not in name} == set()


def test_the_wheel_is_installed_and_serves_from_where_it_was_installed(wheel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=DEADLINE)
    (packages,) = folder.glob("lib/*/site-packages")
    # What the server depends on: the packages of this environment, in which the server itself is but a link.
    (packages / "packages_of_the_test.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-index", "--no-deps", wheel], check=True, timeout=DEADLINE)

    def ran(*command: str) -> str:
        words = [folder / "bin" / command[0], *command[1:]]
        done = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=DEADLINE)
        return done.stdout

    assert "--max_connections" in ran("fws_server", "-h")
    assert ran("fws_server", "--version").split()[-1] == wheel.name.split("-")[1]
    installed = packages / "filtered_websocket"
    assert ran("python", "-c", "import filtered_websocket as it; print(it.__file__)").startswith(str(installed))
    with zipfile.ZipFile(wheel) as opened:
        packed = {name for name in opened.namelist() if ".dist-info/" not in name}
        (entries,) = (opened.read(name).decode() for name in opened.namelist() if name.endswith("/entry_points.txt"))
    found = configparser.ConfigParser()
    found.read_string(entries)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {"console_scripts": project["scripts"], **project.get("entry-points", {})}
    assert {group: dict(found[group]) for group in found.sections()} == declared
    assert {name for name in packed if not name.startswith("filtered_websocket/")} == set()
    assert {f"{PAGE}/{each.name}" for each in (ROOT / PAGE).iterdir()} <= packed
    assert "filtered_websocket/py.typed" in packed


def test_the_page_of_an_index_has_the_readme_and_no_link_that_leads_nowhere(sdist: Path, wheel: Path) -> None:
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", sdist, wheel], check=True, timeout=DEADLINE)
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (each for each in opened.namelist() if each.endswith(".dist-info/METADATA"))
        metadata = email.message_from_string(opened.read(name).decode())
    assert metadata.get_all("Project-URL") is None, "where files are to be found is known now: let links lead there"
    shown = markdown.render(metadata.get_payload())
    assert shown is not None
    links = re.findall(r"(?:href|src)=\"([^\"]*)", shown)
    assert "https://twisted.org" in links
    assert [link for link in links if not link.startswith(("https://", "http://localhost", "#"))] == []
    readme = markdown.render((ROOT / "README.md").read_text())
    assert readme is not None
    # Nothing but the links is another.
    texts = [" ".join(re.sub(r"<[^>]*>", "", each).split()) for each in (readme, shown)]
    alternative = re.findall(r"!\[([^\]]*)\]", (ROOT / "README.md").read_text())
    assert alternative
    for text in alternative:
        texts[1] = texts[1].replace(f"{text} ", "")
    assert texts[1].startswith(texts[0])


def test_the_image_is_built_where_docker_is_and_a_linter_finds_nothing_in_it(tmp_path: Path) -> None:
    linted = subprocess.run(
        [shutil.which("hadolint", path=Path(sys.executable).parent) or "hadolint", ROOT / "contrib" / "Dockerfile"],
        capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    assert (linted.returncode, linted.stdout + linted.stderr) == (0, "")
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run([docker, "info"], capture_output=True, timeout=DEADLINE, check=False).returncode
    ):
        return  # a client alone, or nothing
    image = [docker, "build", "--quiet", "--file", ROOT / "contrib" / "Dockerfile", ROOT]
    built = subprocess.run(image, capture_output=True, text=True, check=True, timeout=1200).stdout.strip()
    said = [docker, "run", "--rm", built, "--check"]
    subprocess.run(said, check=True, capture_output=True, timeout=DEADLINE)
