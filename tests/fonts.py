"""Skip tests of PNGs on a machine without a font, as a small container is."""

import os
import sys
from pathlib import Path

import pytest

FONT_FOLDERS = [Path(folder).expanduser() for folder in ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts")]
HAS_FONT = sys.platform != "linux" or any(any(folder.rglob("*.[ot]tf")) for folder in FONT_FOLDERS)

needs_font = pytest.mark.skipif(
    not HAS_FONT and "CI" not in os.environ,
    reason="a PNG needs a font: `apt-get install fonts-dejavu-core` installs one on Debian",
)
