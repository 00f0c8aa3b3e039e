"""An app that cannot be synthesised."""

import package_that_nobody_has  # noqa: F401
