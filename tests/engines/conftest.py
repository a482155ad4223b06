"""Start Java as fits a test: a few seconds of work are over before its second compiler pays."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _quick_java() -> Iterator[None]:
    """Compile once and plainly, and collect garbage in one thread: starting Spark then takes less processor time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        yield
