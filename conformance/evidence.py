"""What is kept of a module: its log, and the pages that a person should look at."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def keep(path: Path, log: list[dict[str, Any]], issuer: str) -> None:
    """Writes the log, and each page that the browser was asked to photograph, as a picture where Chromium is there."""
    path.with_name(f"{path.name}.json").write_text(json.dumps(log, indent=1) + "\n")
    pages = [entry["page_source"] for entry in log if entry.get("page_source")]
    for number, source in enumerate(pages, start=1):
        page = path.with_name(f"{path.name}.{number}.html")
        # Its style sheet is on the server, which still runs.
        page.write_text(source.replace("<head>", f'<head><base href="{issuer}/">', 1))
        photograph(page)


def photograph(page: Path) -> None:
    """A picture of a page, beside it."""
    if CHROMIUM is None:
        return
    with tempfile.TemporaryDirectory(prefix="latchkey-chromium-") as profile:
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--ignore-certificate-errors"]
        into = [f"--user-data-dir={profile}", "--window-size=480,900", f"--screenshot={page.with_suffix('.png')}"]
        try:
            subprocess.run([CHROMIUM, *options, *into, page.as_uri()], capture_output=True, timeout=60, check=True)
        except (subprocess.SubprocessError, OSError) as error:
            print(f"(no picture of {page.name}: {error})", end=" ")
