"""Where things are kept: MiniStack's environments, and one state folder for each local AWS."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from healthomics_local.failure import LocalAwsError

HOME_VARIABLE: Final = "HEALTHOMICS_LOCAL_HOME"
STATE_VARIABLE: Final = "HEALTHOMICS_LOCAL_STATE"
APPLICATION: Final = "healthomics-local"


def home_folder(environment: Mapping[str, str] = os.environ, *, platform: str = sys.platform) -> Path:
    """Return the folder for what can be rebuilt: ``$HEALTHOMICS_LOCAL_HOME``, or the user's cache folder.

    Raises:
        LocalAwsError: there is neither that variable nor a home folder.
    """
    chosen = environment.get(HOME_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    if environment.get("XDG_CACHE_HOME"):
        return Path(environment["XDG_CACHE_HOME"]) / APPLICATION
    try:
        user = Path.home()
    except RuntimeError as error:
        raise LocalAwsError(f"no home folder for the cache: set {HOME_VARIABLE} to a folder to use") from error
    return user / ("Library/Caches" if platform == "darwin" else ".cache") / APPLICATION


def state_folder(chosen: str | None, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the state folder: the chosen one, ``$HEALTHOMICS_LOCAL_STATE``, or one in the home folder."""
    selected = chosen or environment.get(STATE_VARIABLE)
    return Path(selected).expanduser().absolute() if selected else home_folder(environment) / "state"
