"""The prepared form of the facts: the same facts as the TOML files, and never used for other files or other code."""

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

import voicebill
from tests.facts.invented import INVENTED
from voicebill.facts import load
from voicebill.facts.files import InvalidFile
from voicebill.facts.prepared import PACKAGE, SOURCE_FOLDERS, read_prepared, write_prepared

ROOT = Path(__file__).parents[2]


def loaded(monkeypatch: pytest.MonkeyPatch, form: bytes | None, *files: Path) -> str:
    """The facts with a prepared form, or None for the TOML files, written out with every figure, day and source."""
    load._packaged_facts.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr(load, "read_prepared", lambda: form)
        facts = load.load_facts(*files)
    load._packaged_facts.cache_clear()
    return f"{facts.prices.digest} {facts!r}"


@pytest.fixture(scope="module")
def form() -> bytes:
    return pickle.dumps(load._read_packaged_files())


def test_the_prepared_facts_are_those_of_the_toml_files(monkeypatch: pytest.MonkeyPatch, form: bytes, tmp_path: Path) -> None:
    assert loaded(monkeypatch, form) == loaded(monkeypatch, None)
    file = tmp_path / "prices.toml"
    file.write_text(INVENTED, encoding="utf-8")
    with_own_prices = loaded(monkeypatch, form, file)
    assert "squawk_ms" in with_own_prices
    assert with_own_prices == loaded(monkeypatch, None, file)
    assert "squawk_ms" not in loaded(monkeypatch, form)


def test_errors_in_files_of_ones_own_have_their_lines(monkeypatch: pytest.MonkeyPatch, form: bytes, tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(INVENTED.replace("squawk_ms = 0.002", "squawk = 0.002"), encoding="utf-8")
    texts = []
    for used in (form, None):
        with pytest.raises(InvalidFile) as error:
            loaded(monkeypatch, used, file)
        texts.append(str(error.value))
    assert "line 20: " in texts[0]
    assert texts[0] == texts[1]


def test_with_prepared_facts_no_toml_file_is_read(monkeypatch: pytest.MonkeyPatch, form: bytes) -> None:
    def refuse(file: object) -> None:
        raise AssertionError(f"{file} is read")

    monkeypatch.setattr(load, "read_toml", refuse)
    assert loaded(monkeypatch, form)
    with pytest.raises(AssertionError, match=r"availability\.toml is read"):
        loaded(monkeypatch, None)


def append(file: Path) -> None:
    with file.open("ab") as opened:
        opened.write(b"\n")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a price": lambda package: append(package / "facts" / "prices" / "openai_realtime.toml"),
    "a rule": lambda package: append(package / "facts" / "rules" / "recorded-2026-11-22.toml"),
    "the loader": lambda package: append(package / "facts" / "load.py"),
    "a type of facts": lambda package: append(package / "billing" / "offers.py"),
    "a file more": lambda package: (package / "facts" / "prices" / "parrot.toml").write_text(INVENTED, encoding="utf-8"),
    "a file less": lambda package: (package / "facts" / "prices" / "azure_text.toml").unlink(),
    "a file renamed": lambda package: (package / "facts" / "ptu.toml").rename(package / "facts" / "units.toml"),
    "a folder less": lambda package: shutil.rmtree(package / "facts" / "alternatives"),
    "no form": lambda package: (package / "form").unlink(),
    "an empty form": lambda package: (package / "form").write_bytes(b""),
    "a damaged form": lambda package: append(package / "form"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_form_of_other_sources_is_ignored(change: str, tmp_path: Path) -> None:
    package = tmp_path / "voicebill"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "web", "logs"))
    write_prepared(b"the form", package / "form", package)
    assert read_prepared(package / "form", package) == b"the form"
    CHANGES[change](package)
    assert read_prepared(package / "form", package) is None


def test_the_digest_covers_every_file_and_module_that_shapes_the_facts() -> None:
    folders = {(PACKAGE / folder).resolve() for folder in SOURCE_FOLDERS}
    assert {Path(str(file)).resolve().parent for file in load._packaged_files()} <= folders
    code = (
        "import sys, voicebill.facts.load; print(*(m.__file__ for n, m in sys.modules.items() if n.startswith('voicebill.')))"
    )
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert len(modules) > 20
    assert {Path(module).resolve().parent for module in modules} <= {*folders, (PACKAGE / "answers").resolve()}


def listing(folder: Path) -> set[tuple[str, int]]:
    return {(file.as_posix(), file.stat().st_mtime_ns) for file in folder.rglob("*")}


def test_a_run_writes_nothing(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "voicebill", ignore=shutil.ignore_patterns("__pycache__", "*.pickle"))
    before = listing(tmp_path)
    command = [sys.executable, "-B", "-m", "voicebill", "estimate", "--minutes", "1", "--turns", "2", "--day", "2026-11-22"]
    subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)}, check=True, capture_output=True)
    assert listing(tmp_path) == before


def test_a_wheel_has_the_prepared_facts_and_the_version_of_the_package(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="the build tools are not installed")
    project, installed = tmp_path / "project", tmp_path / "installed"
    shutil.copytree(PACKAGE, project / "src" / "voicebill", ignore=shutil.ignore_patterns("__pycache__", "*.pickle"))
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, project)
    (project / "docs" / "examples").mkdir(parents=True)
    for name in ("docs/glossary.md", "docs/examples/support-day.jsonl"):
        shutil.copy(ROOT / name, project / name)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=project, env=environment, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.startswith(f"voicebill-{voicebill.__version__}-")
    ZipFile(wheel).extractall(installed)
    code = "from voicebill.facts import load as l; print(l.__file__, bool(l.read_prepared()), l.load_facts().prices.digest)"
    environment["PYTHONPATH"] = str(installed)
    result = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    loader = installed / "voicebill" / "facts" / "load.py"
    assert result.stdout.split() == [str(loader), "True", voicebill.load_facts().prices.digest]
