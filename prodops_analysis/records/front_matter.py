"""Front matter: the YAML head of a Markdown record."""

from typing import Any

import yaml

from prodops_analysis.errors import RecordError

FENCE = "---"


class _Once(yaml.SafeLoader):
    """YAML as it is written; a field that stands twice is refused, not read by its last value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        for place, (key, _) in enumerate(node.value):
            if key.value in names[:place]:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
        return super().construct_mapping(node, deep=deep)


def split(text: str, *, name: str) -> tuple[dict[str, Any], str]:
    """Return the head as a mapping and the prose below it. Raises RecordError with the line at fault."""
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    closing = _closing(lines)
    if not lines or lines[0].rstrip() != FENCE or not closing:
        raise RecordError(f"{name} has no front matter; begin it with a line '---', the fields, and another '---'")
    try:
        head = yaml.load("".join(lines[1:closing]), Loader=_Once)  # noqa: S506, a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 2}" if mark else "the front matter"
        problem = getattr(error, "problem", None) or error
        twice = str(problem).endswith("stands twice")
        mend = "keep one of them" if twice else "put text with ':' or '#' in quotation marks"
        raise RecordError(f"{name}, {where}: {problem}; {mend}") from None
    except ValueError as error:  # a day that does not exist
        raise RecordError(f"{name}: {error} in a date; write days as 2026-03-02") from None
    if not isinstance(head, dict):
        raise RecordError(f"{name}: the front matter holds no fields; write them as 'field: value'")
    return head, "".join(lines[closing + 1 :])


def _closing(lines: list[str]) -> int:
    """Return the line that ends the front matter, 0 where none does."""
    return next((i for i, line in enumerate(lines[1:], start=1) if line.rstrip() == FENCE), 0)


def with_field(text: str, name: str, value: str) -> str:
    """Return the record with a field at the end of its front matter, in place of the lines that held it."""
    lines = text.splitlines(keepends=True)
    closing = _closing(lines)
    head = lines[1:closing]
    fields = yaml.compose("".join(head), Loader=yaml.SafeLoader)
    for key, former in fields.value if isinstance(fields, yaml.MappingNode) else []:
        if key.value == name:
            del head[key.start_mark.line : _last_line(former) + 1]
    end = "\r\n" if lines[0].endswith("\r\n") else "\n"
    return "".join([lines[0], *head, f"{name}: {value}{end}", *lines[closing:]])


def _last_line(node: yaml.Node) -> int:
    """Return the line on which a value ends; in block style it is that of its last part."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.line)
