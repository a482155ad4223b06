"""The documented plans: five uses of a voice agent, to start from."""

from importlib.resources import files

_FOLDER = files("voicebill.facts") / "uses"

USES: tuple[str, ...] = tuple(
    sorted(file.name.removesuffix(".toml") for file in _FOLDER.iterdir() if file.name.endswith(".toml"))
)


def plan_text(use: str) -> str:
    """A documented plan's file, with its comments.

    >>> plan_text("support-bot").splitlines()[0]
    '# An interactive customer support bot.'
    """
    return (_FOLDER / f"{use}.toml").read_text(encoding="utf-8")
