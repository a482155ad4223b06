"""All fuzzers, by name."""

from tests.fuzz.commands import COMMANDS
from tests.fuzz.files import FILES
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.recorded import LOGS, READERS
from tests.fuzz.requests import REQUESTS

FUZZERS: dict[str, Fuzzer] = {fuzzer.name: fuzzer for fuzzer in (COMMANDS, REQUESTS, LOGS, READERS, FILES)}
