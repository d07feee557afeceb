"""The parameters of a notebook: read from its tagged cell and checked before a kernel starts."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from prodops_analysis.errors import ReportError, SettingsError, did_you_mean

_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


def parameters_of(path: Path) -> dict[str, str]:
    """Return the type of each parameter of a notebook. Raises ReportError where it has no readable parameters cell."""
    try:
        cells = nbformat.read(path, as_version=4).cells
    except FileNotFoundError:
        raise ReportError(f"no notebook {path}") from None
    except Exception as error:
        raise ReportError(f"{path.name} is no notebook: {error}") from None
    tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise ReportError(f"{path.name} has {len(tagged)} cells tagged 'parameters'; it needs one")
    found = {}
    try:
        nodes = ast.parse(tagged[0].source).body
    except SyntaxError as error:
        where = f"{path.name}, parameters, line {error.lineno}"
        raise ReportError(f"{where}: {error.msg}; write 'name: type = default'") from None
    for node in nodes:
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None):
            raise ReportError(
                f"{path.name}, parameters, line {node.lineno}: write 'name: type = default  # what it is'"
            )
        kind = ast.unparse(node.annotation)
        if kind not in _TYPES:
            raise ReportError(f"{path.name}: parameter {node.target.id!r} is {kind}; use {', '.join(_TYPES)}")
        try:
            default = ast.literal_eval(node.value)
        except ValueError:
            default = None
        if not _is(default, kind):
            raise ReportError(f"{path.name}: parameter {node.target.id!r} needs a literal {kind} as its default")
        found[node.target.id] = kind
    return found


def check_parameters(path: Path, given: Mapping[str, Any]) -> None:
    """Refuse a parameter that the notebook does not take, or of another type.

    Raises SettingsError: which parameter, what was found, what the notebook takes.
    """
    known = parameters_of(path)
    for name, value in given.items():
        if name not in known:
            raise SettingsError(
                f"{path.name} takes no parameter {name!r}{did_you_mean(name, known)} (it takes {', '.join(known)})"
            )
        if not _is(value, known[name]):
            raise SettingsError(
                f"{path.name}: parameter {name!r} must be {known[name]}, found {type(value).__name__} {value!r}"
            )


def _is(value: Any, kind: str) -> bool:
    return type(value) is _TYPES[kind] or (kind == "float" and type(value) is int)
