"""Name the steps from what calls cost to what they would cost."""

from typing import Literal, get_args

StepName = Literal[
    "reconstruction",
    "changes",
    "counting",
    "reasoning",
    "history",
    "cache",
    "rates",
    "time",
    "rounding",
    "model",
    "transcriber",
    "llm",
    "tts",
    "live",
    "translator",
    "fees",
    "transcription",
    "not_carried_over",
]
"""A step, in the order in which they are taken."""
REPLAY_STEPS: tuple[StepName, ...] = get_args(StepName)
