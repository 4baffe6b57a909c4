"""Answers of handlers have the type that their route declares, with no detour through `Any`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).parents[2] / "functions"


@pytest.mark.parametrize("file", sorted(FUNCTIONS.rglob("*.py")), ids=lambda file: file.stem)
def test_no_variable_of_a_handler_may_be_anything(file: Path) -> None:
    text = file.read_text()
    bodies = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
    variables = (inner for body in bodies for inner in ast.walk(body) if isinstance(inner, ast.AnnAssign))

    assert [inner.lineno for inner in variables if ast.unparse(inner.annotation) == "Any"] == []
    assert "no-any-return" not in text
