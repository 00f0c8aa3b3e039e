from __future__ import annotations

import json
import subprocess
import sys

from healthomics_local.endpoint.engines.runners.task_meter import Sample, TaskMeter, usage

GIB = 2**30


def test_the_average_is_processor_time_by_elapsed_time() -> None:
    measured = usage([Sample(100, 7, None), Sample(102, 8, GIB), Sample(104, 8, 3 * GIB), Sample(108, 11, None)])

    assert measured == {
        "cpus_average": 0.5,
        "cpus_maximum": 0.5,
        "memory_average_gib": 2,
        "memory_maximum_gib": 3,
    }


def test_the_maximum_is_that_of_the_busiest_full_minute() -> None:
    idle, busy = 0.1, 3.5
    samples = [Sample(second, second * idle, None) for second in range(121)]
    samples += [Sample(120 + second, 12 + second * busy, None) for second in range(1, 61)]
    samples += [Sample(180 + second, 222 + second * 8, None) for second in range(1, 11)]

    measured = usage(samples)

    assert measured["cpus_maximum"] == busy
    assert measured["cpus_average"] == round(302 / 190, 6)


def test_memory_that_nobody_saw_is_not_told() -> None:
    assert usage([Sample(0, 0, None), Sample(1, 1, None)]) == {"cpus_average": 1, "cpus_maximum": 1}


TASK = "import time\nfull = bytearray(50_000_000)\nwhile time.process_time() < 0.4: pass"
MEASURED = f"""
import json, subprocess, sys
from healthomics_local.endpoint.engines.runners.task_meter import TaskMeter
meter = TaskMeter()
meter.begin()
subprocess.run([sys.executable, "-c", {TASK!r}], check=True)
print(json.dumps(meter.end()))
"""


def test_it_measures_the_processes_below_its_own() -> None:
    """In a process of its own: other tests of this one may have left some that live on, such as jsii's."""
    done = subprocess.run([sys.executable, "-c", MEASURED], check=True, capture_output=True, text=True)

    measured = json.loads(done.stdout)

    assert 0 < measured["cpus_average"] < 2
    assert 0.04 < measured["memory_maximum_gib"] < 0.5


def test_an_end_without_a_beginning_has_measured_nothing() -> None:
    assert TaskMeter().end() == {}
