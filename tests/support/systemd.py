"""What the systemd of this machine makes of a unit; nothing is started."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

_NOBODY = 65534
_MANAGERS = ("/usr/lib/systemd/systemd", "/lib/systemd/systemd")

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd to ask"
)


def check_unit(path: Path) -> str:
    """Return what `systemd-analyze verify` says: nothing of a unit that is right."""
    done = subprocess.run(
        ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr + done.stdout


def measure_exposure(path: Path) -> float:
    """Return how exposed a service is, from 0 to 10, as `systemd-analyze security` sees it."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level .*: ([0-9.]+) ", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])


def read_unit(text: str, name: str = "hiveloom.service") -> list[str]:
    """Return the lines that the manager itself shows of a unit that it has read."""
    manager = next(place for place in _MANAGERS if Path(place).exists())
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the manager tries nothing out as root
        (Path(folder) / name).write_text(text, "utf-8", "surrogateescape")
        done = subprocess.run(
            [manager, "--test", "--system", f"--unit={name}", "--log-target=console"],
            capture_output=True,
            env={"PATH": os.environ["PATH"], "SYSTEMD_UNIT_PATH": f"{folder}:"},
            user=_NOBODY if os.geteuid() == 0 else None,
            extra_groups=[] if os.geteuid() == 0 else None,
            check=False,
        )
    lines = (done.stdout + done.stderr).decode("utf-8", "replace").split("\n")
    start = next(i for i, line in enumerate(lines) if line.strip() == f"-> Unit {name}:")
    ends = (i for i in range(start + 1, len(lines)) if lines[i].lstrip().startswith("-> Unit "))
    return [line.strip("\t") for line in lines[start : next(ends, len(lines))]]
