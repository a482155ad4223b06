"""The package as a newcomer meets it: light to import, whole on the bare install, silent about where it was built."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import voicebill

ROOT = Path(__file__).parents[1]
THIRD_PARTY = {"rich", "typer", "splintr", "hypothesis", "pytest"}


def loaded_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after running some code."""
    script = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_package_loads_nothing_third_party_and_hardly_anything_else() -> None:
    bare = loaded_after("")
    assert loaded_after("import voicebill") - bare <= {"voicebill", "importlib", "warnings", "_warnings"}


def test_estimating_in_python_loads_nothing_third_party() -> None:
    code = (
        "import voicebill; from datetime import date;"
        "voicebill.estimate(voicebill.Plan(minutes=1, turns=2),"
        "voicebill.ModelSelection(model='gpt-realtime', day=date(2026, 11, 22)), voicebill.load_facts())"
    )
    assert not loaded_after(code) & THIRD_PARTY


@pytest.mark.parametrize("name", voicebill.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(voicebill, name)
    assert value
    assert name == "__version__" or value.__doc__
    assert name in dir(voicebill)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'estimat'"):
        _ = voicebill.estimat


def test_locked_requirements_have_hashes_and_no_address() -> None:
    for file in sorted((ROOT / "requirements").glob("*.txt")):
        text = file.read_text(encoding="utf-8")
        assert "://" not in text
        pinned = [line for line in text.splitlines() if line and line[0].isalnum()]
        assert pinned
        assert all("==" in line and line.endswith("\\") for line in pinned), file.name


@pytest.mark.parametrize(
    ("document", "module"), [("glossary.md", "mcp/server.py"), ("examples/support-day.jsonl", "web/sample_logs.py")]
)
def test_the_wheel_has_the_documents_beside_the_modules_that_read_them(document: str, module: str) -> None:
    """A checkout has one copy of each, in the documentation."""
    included = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    targets = included["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    packaged = Path("voicebill", module).with_name(Path(document).name)
    assert targets[f"docs/{document}"] == packaged.as_posix()
    assert (ROOT / "docs" / document).is_file()
    assert not (ROOT / "src" / packaged).exists()
