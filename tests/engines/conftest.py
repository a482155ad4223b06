"""Start Java as fits a test: a few seconds of work are over before its second compiler and checks of its classes pay."""

from collections.abc import Iterator

import pytest

JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"


@pytest.fixture(scope="session", autouse=True)
def _quick_java() -> Iterator[None]:
    """Compile once and plainly, collect garbage in one thread, and trust the classes: Spark then takes less processor time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JDK_JAVA_OPTIONS", JAVA_OPTIONS)
        yield
