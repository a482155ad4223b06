"""Provide the example plans in the folder `example_plans`, which users copy and change."""

from importlib.resources import files

_FOLDER = files("voicebill.facts") / "example_plans"

EXAMPLE_PLANS: tuple[str, ...] = tuple(
    sorted(file.name.removesuffix(".toml") for file in _FOLDER.iterdir() if file.name.endswith(".toml"))
)


def example_plan_text(name: str) -> str:
    """Return the text of an example plan's file, with its comments.

    >>> example_plan_text("support-bot").splitlines()[0]
    '# An interactive customer support bot.'
    """
    return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")
