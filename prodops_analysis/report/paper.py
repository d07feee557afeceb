"""PDF beside each page, printed by Chromium where there is one."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
SECONDS = 60  # for one page


def browser() -> str | None:
    """Return the path of a Chromium, or None."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def print_pages(pages: Iterable[Path], *, browser: str) -> list[str]:
    """Print each page to a PDF beside it; return what went wrong, a line a page."""
    faults = []
    for page in pages:
        target = page.with_suffix(".pdf")
        with TemporaryDirectory() as folder:
            source = Path(folder) / "page.html"
            source.write_text(_for_paper(page.read_text(encoding="utf-8")), encoding="utf-8")
            asked = [
                browser, "--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer",
                f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}", source.as_uri(),
            ]  # fmt: skip
            if hasattr(os, "geteuid") and os.geteuid() == 0:  # Chromium's sandbox refuses root
                asked.insert(1, "--no-sandbox")
            try:
                subprocess.run(asked, check=True, capture_output=True, timeout=SECONDS)  # noqa: S603
                target.write_bytes(_settled(target.read_bytes()))
            except (subprocess.SubprocessError, OSError) as error:
                target.unlink(missing_ok=True)
                faults.append(f"{page.name} was not printed: {type(error).__name__}; its HTML prints from any browser")
    return faults


def _for_paper(html: str) -> str:
    # whether a script has run when the page is printed is chance
    html = re.sub(r"<script\b.*?</script>", "", html, flags=re.DOTALL)
    # Chromium would write the address of a neighbouring page as a path of this machine
    return re.sub(r'<a href="(?!#)[^"]*">(.*?)</a>', r"\1", html, flags=re.DOTALL)


def _settled(pdf: bytes) -> bytes:
    """Same pages, same bytes: the clock is no input, nor are the numbers that Chromium happens to give to nodes."""
    pdf = re.sub(rb"/(CreationDate|ModDate) \(D:\d{14}", lambda m: b"/" + m[1] + b" (D:" + b"20000101000000", pdf)
    seen: dict[bytes, int] = {}
    return re.sub(rb"\(node\d{8}\)", lambda m: b"(node%08d)" % seen.setdefault(m[0], len(seen)), pdf)
