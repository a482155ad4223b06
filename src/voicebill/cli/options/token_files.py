"""Count the tokens of prompts and tool schemas in files, with an optional tokenizer that includes its vocabulary."""

import json
from pathlib import Path

from voicebill.billing.errors import InvalidInput
from voicebill.extras import import_extra
from voicebill.facts.files import read_text

ENCODING = "o200k_base"


def count_text_file(file: Path) -> int:
    """The number of tokens of a text file.

    Raises:
        UnreadableFile: the file cannot be read.
        MissingExtra: the tokenizer is not installed.
    """
    return count_tokens(read_text(file))


def count_tools_file(file: Path) -> int:
    """The number of tokens of a JSON file with tool schemas, without its white space.

    Raises:
        UnreadableFile: the file cannot be read.
        InvalidInput: the file is not JSON, or not a list or an object.
        MissingExtra: the tokenizer is not installed.
    """
    source = read_text(file)
    try:
        tools = json.loads(source, parse_constant=_refuse_constant)
    except RecursionError:
        raise InvalidInput(f"{file} is nested too deeply") from None
    except ValueError as error:
        raise InvalidInput(f"{file} is not JSON: {error}") from None
    if not isinstance(tools, list | dict):
        raise InvalidInput(f"{file} holds no tool schemas: it must be a JSON list or object")
    return count_tokens(json.dumps(tools, separators=(",", ":"), ensure_ascii=False))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def count_tokens(text: str) -> int:
    """The number of tokens of a text, in the encoding that matches recorded sessions.

    Raises:
        MissingExtra: the tokenizer is not installed.
    """
    splintr = import_extra("count", "counting the tokens of a file", "splintr", otherwise="; or give the tokens")
    return len(splintr.Tokenizer.from_pretrained(ENCODING).encode_ordinary(text))
