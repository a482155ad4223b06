"""Parse the code of a file once for all tests."""

import ast
from functools import cache
from pathlib import Path


@cache
def syntax_tree(file: Path) -> ast.Module:
    """The code of a file."""
    return ast.parse(file.read_text(encoding="utf-8"))
