"""The wheel: what a user installs holds the notebooks and the template."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_wheel_holds_notebooks_and_template(tmp_path):
    """Notebooks, template and style travel with the package; tests, data and records stay behind."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())

    expected = {f"prodops_analysis/notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    expected |= {
        f"prodops_analysis/report/templates/prodops/{name}" for name in ("conf.json", "index.html.j2", "prodops.css")
    }
    assert expected <= names
    assert {"prodops_analysis"} == {name.split("/")[0] for name in names if ".dist-info/" not in name}
