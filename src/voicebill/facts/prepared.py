"""Keep the package's facts in a prepared form, which is read in a tenth of the time that its TOML files take.

The form is written when the package is built (hatch_build.py). Its first bytes are a digest of the TOML files, of the code that
shapes facts, and of the form itself. A form of other files or other code, or a damaged one, is ignored: then the TOML files are
read.
"""

from hashlib import sha256
from pathlib import Path

SOURCE_FOLDERS = (
    "answers/catalog",
    "answers/parameters",
    "billing",
    "conversation",
    "facts",
    "facts/alternatives",
    "facts/prices",
    "facts/providers",
    "facts/rules",
)
"""The folders of the TOML files and of the modules that the loader imports."""

PACKAGE = Path(__file__).parents[1]
PREPARED_FILE = PACKAGE / "facts" / "prepared.pickle"
DIGEST_BYTES = 32


def read_prepared(file: Path = PREPARED_FILE, package: Path = PACKAGE) -> bytes | None:
    """Return the prepared form, or None if there is none of these sources."""
    try:
        content = file.read_bytes()
        digest, form = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
        return form if digest == _digest(form, package) else None
    except OSError:
        return None


def write_prepared(form: bytes, file: Path = PREPARED_FILE, package: Path = PACKAGE) -> None:
    """Write the prepared form."""
    file.write_bytes(_digest(form, package) + form)


def _digest(form: bytes, package: Path) -> bytes:
    digest = sha256(form)
    for folder in SOURCE_FOLDERS:
        for file in sorted((package / folder).iterdir(), key=lambda file: file.name):
            if file.suffix in (".py", ".toml"):
                content = file.read_bytes()
                digest.update(f"\n{folder}/{file.name} {len(content)}\n".encode())
                digest.update(content)
    return digest.digest()
