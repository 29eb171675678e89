"""The software bill of materials, by the very command of the Makefile."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path


def written(root: Path, output: Path) -> bytes:
    """What ``make sbom`` writes, with this environment's programs."""
    recipe = re.search(r"^sbom:.*?\n((?:\t.*\n)+)", (root / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    (line,) = [one for one in recipe[1].replace("\\\n", "").splitlines() if "cyclonedx-py" in one]
    words = shlex.split(line.strip().removeprefix("@").replace("$(BIN)", str(Path(sys.executable).parent)))
    words[words.index("--output-file") + 1] = str(output)
    subprocess.run(words, cwd=root, check=True, capture_output=True, timeout=120)
    return output.read_bytes()


def test_it_names_every_package_of_the_service_and_is_the_same_each_time(root: Path, tmp_path: Path) -> None:
    """Version and hashes as pinned; two makings differ in no byte."""
    first = written(root, tmp_path / "first.json")
    assert first == written(root, tmp_path / "second.json")
    content = json.loads(first)
    assert content["bomFormat"] == "CycloneDX"
    assert content["metadata"]["component"]["name"] == "streamsel"
    listed = {(one["name"], one["version"]) for one in content["components"]}
    lock = (root / "requirements/service.lock").read_text()
    assert listed == set(re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock, re.MULTILINE))
    assert all(one["externalReferences"][0]["hashes"] for one in content["components"])
