"""Print how much code there is: each room of the package, then notebooks, tests and benchmarks."""

import json
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
SUFFIXES = {".py", ".j2", ".css", ".js", ".ipynb"}


def lines(path: Path) -> list[str]:
    """The lines of a file; of a notebook, those of its code cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
    return text.splitlines()


def is_code(line: str) -> bool:
    """Whether a line holds more than space or a comment."""
    return bool(line.strip()) and not line.lstrip().startswith(("#", "{#", "//"))


def sizes(folder: Path, *, by_room: bool) -> dict[str, list[tuple[int, int]]]:
    """Room, or the folder's own name -> all lines and lines of code of each file in it."""
    rooms = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.suffix in SUFFIXES and ".ipynb_checkpoints" not in relative.parts:
            room = relative.parts[0].removesuffix(".py") if by_room else folder.name
            found = lines(path)
            rooms[room].append((len(found), sum(map(is_code, found))))
    return rooms


def show(rooms: dict[str, list[tuple[int, int]]], title: str) -> None:
    """Print one row a room, and a sum where there is more than one."""
    everything = [file for files in rooms.values() for file in files]
    rows = [*rooms.items(), *([(title, everything)] if len(rooms) > 1 else [])]
    for room, files in rows:
        total, code, longest = sum(f[0] for f in files), sum(f[1] for f in files), max(f[0] for f in files)
        print(f"{room:<18} {len(files):>5} {total:>7} {code:>7} {longest:>8}")


def main() -> None:
    """Print the table."""
    print(f"{'':<18} {'files':>5} {'lines':>7} {'code':>7} {'longest':>8}")
    show(sizes(ROOT / "prodops_analysis", by_room=True), "prodops_analysis")
    for name in ("notebooks", "tests", "benchmarks"):
        show(sizes(ROOT / name, by_room=False), name)


if __name__ == "__main__":
    main()
