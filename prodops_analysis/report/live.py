"""What makes the charts of a page live: one compressed bundle of Vega, the charts as data, and a short script.

The policy of the page names both scripts by their hashes, so no other can run: no `unsafe-inline`, no `unsafe-eval`.
Without scripts nothing of this is needed; the drawings are the report.
"""

import base64
import gzip
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import vl_convert

from prodops_analysis.charts import live, renderer

SCRIPT = Path(__file__).parent / "templates/prodops/live.js"
_BUNDLE = "window.vegaEmbed = vegaEmbed;"


class LiveCharts:
    """Collects the charts of one page; data that several charts share are kept once."""

    def __init__(self) -> None:
        self._charts: dict[str, Any] = {}
        self._data: dict[str, int] = {}  # rows as JSON -> their number

    def __bool__(self) -> bool:
        return bool(self._charts)

    def add(self, name: str, spec: dict[str, Any]) -> bool:
        """Add the chart of the figure with this id and say whether there is anything in it to explore."""
        wide = live.live(spec)
        if wide is None:
            return False
        datasets = {}
        for key, rows in wide.pop("datasets", {}).items():
            datasets[key] = self._data.setdefault(_json(rows), len(self._data))
        self._charts[name] = {"datasets": datasets, "wide": wide, "narrow": renderer.narrow(wide)}
        return True

    @property
    def policy(self) -> str:
        """The directive that lets our two scripts run and no other."""
        return f"script-src {_hash(_script())} {_bundle()[0]}"

    def scripts(self) -> str:
        """Return the HTML that goes to the end of the page."""
        charts = _packed(f'{{"data":[{",".join(self._data)}],"charts":{_json(self._charts)}}}')
        return (
            f'<script type="application/gzip" id="live.code">{_bundle()[1]}</script>\n'
            f'<script type="application/gzip" id="live.charts">{charts}</script>\n'
            f"<script>{_script()}</script>\n"
        )


@cache
def _script() -> str:
    return SCRIPT.read_text(encoding="utf-8")


@cache
def _bundle() -> tuple[str, str]:
    """Return the hash of the bundle and the bundle packed; the first call takes seconds."""
    code = f"(() => {{{vl_convert.javascript_bundle(_BUNDLE, vl_version=renderer.VERSION)}\n}})()"
    return _hash(code), _packed(code)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
