"""Run fuzzers for some minutes, or repeat one input: `python -m tests.fuzz --help`."""

import argparse
import logging
import sys
import time
from collections import Counter

from tests.fuzz.fuzzer import Failed, Fuzzer
from tests.fuzz.registry import FUZZERS


def run(fuzzer: Fuzzer, seed: int, *, seconds: float, cases: int | None) -> tuple[int, int]:
    """Try inputs for some seconds of processor time, or some inputs; return their number, and that of the failures.

    A failure is written once for all that fail in the same place.
    """
    tried, failures, until = 0, Counter[str](), time.process_time() + seconds
    while tried < cases if cases is not None else time.process_time() < until:
        try:
            fuzzer.try_seed(seed + tried)
        except Failed as failure:
            failures[failure.place] += 1
            if failures[failure.place] == 1:
                sys.stdout.write(f"{failure}\n\n")
                sys.stdout.flush()
        tried += 1
    return tried, failures.total()


def main() -> None:
    """Run the named fuzzers, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="fuzzer", help=", ".join(FUZZERS))
    parser.add_argument("--minutes", type=float, default=1.0, help="minutes of processor time for each")
    parser.add_argument("--cases", type=int, default=None, help="inputs for each, instead of minutes")
    parser.add_argument("--seed", type=int, default=None, help="first seed (default: from the clock)")
    arguments = parser.parse_args()
    logging.disable()
    unknown = sorted(set(arguments.names) - set(FUZZERS))
    if unknown:
        parser.error(f"there is no fuzzer {unknown[0]}: choose from {', '.join(FUZZERS)}")
    has_failed = False
    for name in arguments.names or FUZZERS:
        fuzzer = FUZZERS[name]
        seed = time.time_ns() % 2**40 if arguments.seed is None else arguments.seed
        began = time.process_time()
        tried, failed = run(fuzzer, seed, seconds=arguments.minutes * 60, cases=arguments.cases)
        has_failed |= failed > 0
        outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in fuzzer.outcomes.most_common())
        seconds = time.process_time() - began
        sys.stdout.write(f"{name}: {tried:,} inputs in {seconds:,.0f} s from seed {seed}: {outcomes}; {failed:,} failed\n")
        sys.stdout.flush()
    sys.exit(has_failed)


if __name__ == "__main__":
    main()
