"""Skip tests of PNGs on a machine without a font, as a small container is."""

import os
import sys
from pathlib import Path

import pytest

FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")
HAS_FONT = sys.platform != "linux" or any(any(Path(folder).expanduser().rglob("*.[ot]t[cf]")) for folder in FONT_FOLDERS)

needs_font = pytest.mark.skipif(
    not HAS_FONT and "CI" not in os.environ,
    reason="a PNG needs a font: `apt-get install fontconfig-config` installs one on Debian",
)

uses_fontconfig = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere fonts are no matter of fontconfig")
