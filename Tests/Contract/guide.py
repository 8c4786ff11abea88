"""Runs docs/guide.md as its reader would, in one bash, and compares what is printed with what the page shows.

    guide.py docs/guide.md        with SWITCHBOARD_URL and SWITCHBOARD_OPERATOR_KEY
"""

import json
import re
import subprocess
import sys
from pathlib import Path

MARK = "\x1e"


def blocks(text):
    """Every block of bash with the JSON that the page shows below it, None where there is none."""
    found = re.findall(r"^```(bash|json)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    for index, (kind, code) in enumerate(found):
        if kind == "bash":
            shown = found[index + 1] if index + 1 < len(found) else ("", "")
            yield code, json.loads(shown[1]) if shown[0] == "json" else None


def differences(shown, answered, where=""):
    """Where the answer has not what the page shows; it may have more."""
    if shown == "…":
        if answered in (None, "", []):
            yield f"{where} is {answered!r}"
    elif isinstance(shown, dict) and isinstance(answered, dict):
        for name, value in shown.items():
            yield from differences(value, answered.get(name), f"{where}/{name}")
    elif isinstance(shown, list) and isinstance(answered, list) and len(shown) == len(answered):
        for index, value in enumerate(shown):
            yield from differences(value, answered[index], f"{where}/{index}")
    elif shown != answered:
        yield f"{where} is {answered!r}, the page shows {shown!r}"


def main(path):
    page = list(blocks(Path(path).read_text(encoding="utf-8")))
    script = "set -euo pipefail\n" + "".join(f"{code}\nprintf '{MARK}'\n" for code, _ in page)
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120)
    printed = result.stdout.split(MARK)
    failures = []
    if result.returncode != 0 or len(printed) != len(page) + 1:
        failures.append(f"bash ended with {result.returncode} in block {len(printed)}: {result.stderr}{printed[-1]}")
    for number, ((_, shown), output) in enumerate(zip(page, printed)):
        if shown is None:
            continue
        try:
            failures += [f"block {number}: {what}" for what in differences(shown, json.loads(output))]
        except ValueError:
            failures.append(f"block {number} printed {output!r}")
    compared = sum(shown is not None for _, shown in page)
    print(f"{len(page)} blocks run, {compared} answers compared, {len(failures)} differ")
    for failure in failures:
        print(failure)
    return 1 if failures or compared < 10 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
