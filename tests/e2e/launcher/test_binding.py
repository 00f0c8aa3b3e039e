"""The launcher relies on private names of one MiniStack version, and says so when one is missing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import healthomics_local
from healthomics_local.folders import home_folder
from healthomics_local.ministack import binding
from healthomics_local.ministack_environment import ensure_environment

pytestmark = pytest.mark.e2e

IMPORT = """
import sys, types
package = types.ModuleType("healthomics_local")
package.__path__ = [sys.argv[1]]
sys.modules["healthomics_local"] = package
from healthomics_local.ministack import binding
"""


def in_ministacks_environment(code: str) -> str:
    package = str(Path(healthomics_local.__file__).parent)
    command = [ensure_environment(home_folder()), "-I", "-c", IMPORT + code, package]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_locked_ministack_has_everything_that_the_launcher_relies_on() -> None:
    assert in_ministacks_environment("print(binding.missing_names(), binding.installed_version())") == (
        f"[] {binding.SUPPORTED_VERSION}"
    )


def test_a_moved_name_or_parameter_stops_the_start_with_a_sentence_that_names_it() -> None:
    code = """
from ministack.services.cloudformation import custom_resource, stacks
del custom_resource.deliver_response
stacks._revert_update = lambda other: None
try:
    binding.check()
except binding.UnsupportedMiniStackError as error:
    print(error)
"""

    said = in_ministacks_environment(code)

    assert "custom_resource.deliver_response (missing)" in said
    assert "stacks._revert_update (other parameters than stack_id, stack_name, " in said
    assert "reinstall the environment from ministack.lock" in said


def test_without_ministack_the_check_says_that_it_is_not_installed() -> None:
    with pytest.raises(binding.UnsupportedMiniStackError, match=r"MiniStack \(not installed\)"):
        binding.check()
