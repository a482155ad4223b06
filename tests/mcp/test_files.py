"""The files that an agent can name: below the root, and nowhere else."""

import os
from pathlib import Path

import pytest

from voicebill.billing.errors import InvalidInput
from voicebill.mcp.files import log_sources


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret.jsonl").write_text("secret")
    folder = tmp_path / "root"
    (folder / "day" / "deep").mkdir(parents=True)
    for name in ("a.jsonl", "day/b.jsonl", "day/deep/c.jsonl", "day/.hidden.jsonl"):
        (folder / name).write_text("{}")
    (folder / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (folder / "day" / "link").symlink_to(tmp_path, target_is_directory=True)
    (folder / "inside").symlink_to(folder / "day", target_is_directory=True)
    (folder / "empty").mkdir()
    return folder


def test_a_file_and_a_folder_are_named_relative_to_the_root(root: Path) -> None:
    assert [source.name for source in log_sources(root, "a.jsonl")] == ["a.jsonl"]
    assert [source.name for source in log_sources(root, "day")] == ["day/b.jsonl", "day/deep/c.jsonl"]
    assert [source.name for source in log_sources(root, "day/deep")] == ["day/deep/c.jsonl"]
    assert [source.name for source in log_sources(root, ".")] == ["a.jsonl", "day/b.jsonl", "day/deep/c.jsonl"]


def test_a_root_that_is_itself_a_link_is_followed_once(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root, target_is_directory=True)
    assert [source.name for source in log_sources(tmp_path / "alias", "a.jsonl")] == ["a.jsonl"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../secret.jsonl", "below the root"),
        ("day/../../secret.jsonl", "below the root"),
        ("day/../a.jsonl", "below the root"),
        ("/etc/passwd", "below the root"),
        ("link.jsonl", "below the root"),
        ("day/link/secret.jsonl", "below the root"),
        ("inside/b.jsonl", "below the root"),
        ("*.jsonl", "without patterns"),
        ("day/[b].jsonl", "without patterns"),
        ("a.jsonl\0", "without patterns"),
        ("", "without patterns"),
        ("b.jsonl", "names no file or folder"),
        ("empty", "a folder without files"),
    ],
)
def test_what_leads_elsewhere_is_refused(root: Path, name: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as raised:
        log_sources(root, name)
    assert raised.value.field == "path"


def test_a_hard_link_is_a_file_of_its_own(root: Path, tmp_path: Path) -> None:
    """It cannot be told from a file, and can be made by whoever may write to the root."""
    os.link(tmp_path / "secret.jsonl", root / "hard.jsonl")
    assert [source.name for source in log_sources(root, "hard.jsonl")] == ["hard.jsonl"]
