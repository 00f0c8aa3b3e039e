"""The handler without patience, for a local AWS where IAM is consistent at once: access errors are final.

Packed beside the handler by ``test_dropped_statements.py``. The rest is the handler as it is.
"""

from healthomics_run_handler import retry, session
from healthomics_run_handler.index import handler

retry.PROPAGATION_WINDOW = 0.0
# ListRuns does not lag here, so one look is enough.
session._SEARCH_PAUSES = ()

__all__ = ["handler"]
