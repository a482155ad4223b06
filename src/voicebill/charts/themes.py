"""Define the themes of charts: colours and width."""

from dataclasses import dataclass

from voicebill.billing.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Theme:
    """How a picture is dressed: its colours, and how wide it is in pixels.

    Fills go from strong to weak, so that they stay apart in grey; the cache and the transcription, which are cheap, are the
    weakest.
    """

    width: int = 900
    paper: str = "#ffffff"
    ink: str = "#1a1a1a"
    text: str = "#3d4650"
    grid: str = "#e3e7eb"
    line: str = "#1f3b57"
    soft: str = "#5b8db8"
    pale: str = "#cfe0ee"
    fills: tuple[str, ...] = ("#16324f", "#7a5195", "#3f7cac", "#8c8c8c", "#a6cbe3", "#f2c57c", "#dedede")

    def __post_init__(self) -> None:
        if not 320 <= self.width <= 2400:
            raise InvalidInput(f"a picture is 320 to 2,400 pixels wide, not {self.width:,}")

    @property
    def is_narrow(self) -> bool:
        """Whether there is no room beside the picture."""
        return self.width < 720

    @property
    def axis_text_size(self) -> int:
        """Pixels of the labels of axes."""
        return 10 if self.is_narrow else 12

    @property
    def height(self) -> int:
        """Pixels, for a picture whose height does not follow from its rows."""
        return round(240 + self.width * 0.27) + (70 if self.is_narrow else 0)


THEMES = {
    "light": Theme(),
    "dark": Theme(
        paper="#14181d",
        ink="#f2f4f6",
        text="#b9c2cb",
        grid="#2b323a",
        line="#e8eef4",
        soft="#6ea5d3",
        pale="#27415a",
        fills=("#e8eef4", "#b794d6", "#5a9fd4", "#8e979f", "#35658a", "#b98a3e", "#4a5058"),
    ),
    "print": Theme(
        ink="#000000",
        text="#000000",
        grid="#d9d9d9",
        line="#000000",
        soft="#595959",
        pale="#e6e6e6",
        fills=("#000000", "#8c8c8c", "#4d4d4d", "#bfbfbf", "#e0e0e0", "#737373", "#f2f2f2"),
    ),
}
"""For the screen by day and by night, and for paper."""
