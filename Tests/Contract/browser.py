"""Opens /docs in headless Chromium, wide and narrow.

    browser.py BASE_URL [DIRECTORY]

Fails unless every operation and schema is on the page, every link within it leads somewhere, nothing was refused by the
page's own policy, and the page asked for nothing. DIRECTORY keeps the pictures.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent.parent
METHODS = ("get", "put", "post", "delete", "patch")


def chromium(directory, *arguments):
    return subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--disable-component-update", "--disable-sync",
         f"--user-data-dir={directory}/profile", *arguments],
        capture_output=True, text=True, timeout=120, check=True, env={"HOME": directory, "PATH": "/usr/bin:/bin"})


def requests(log, base):
    """What the page asked for; the browser's own errands have no page as their origin, and lead nowhere."""
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    wanted = [event["params"] for event in events if "initiator" in event.get("params", {})]
    if not any(params["url"] == f"{base}/docs" for params in wanted):
        raise RuntimeError("the page was not opened")
    return {params["url"] for params in wanted if params["initiator"] == base}


def main(base, keep=None):
    with open(ROOT / "openapi.yaml", "rb") as file:
        document = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    names = [item[method]["operationId"] for item in document["paths"].values() for method in METHODS if method in item]
    failures = []
    with tempfile.TemporaryDirectory() as directory:
        for what, size in (("wide", "1440,1000"), ("narrow", "390,844")):
            picture = Path(keep or directory) / f"docs-{what}.png"
            log = Path(directory) / f"{what}.json"
            chromium(directory, f"--window-size={size}", f"--screenshot={picture}", f"--log-net-log={log}", f"{base}/docs")
            asked = requests(log, base)
            # The browser asks for an icon by itself.
            if asked - {f"{base}/favicon.ico"}:
                failures.append(f"{what}: the page asked for {sorted(asked)}")
            if picture.stat().st_size < 20_000:
                failures.append(f"{what}: the picture is empty")
        page = chromium(directory, "--dump-dom", "--enable-logging=stderr", f"{base}/docs")
    missing = [name for name in names if f'id="{name}"' not in page.stdout]
    missing += [name for name in document["components"]["schemas"] if f'id="schema-{name}"' not in page.stdout]
    anchors = set(re.findall(r'id="([^"]+)"', page.stdout))
    missing += [f"#{name}" for name in re.findall(r'href="#([^"]+)"', page.stdout) if name not in anchors]
    if missing:
        failures.append(f"not on the page: {missing}")
    if re.search(r"<script|<link|<img|<iframe|@import|url\(", page.stdout):
        failures.append("the page loads something")
    if "Content Security Policy" in page.stderr:
        failures.append(f"against the page's policy: {page.stderr[-2000:]}")
    print(json.dumps({"operations": len(names), "bytes": len(page.stdout), "failures": failures}))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
