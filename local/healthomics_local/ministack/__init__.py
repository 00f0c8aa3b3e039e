"""What runs inside MiniStack's own environment: the launcher and the semantics that it adds.

MiniStack pins its own botocore, so it lives in an environment of its own and none of the project's
dependencies are importable here: these modules use the standard library, MiniStack and what MiniStack's lock
file brings. They are part of this package so that they are typed and unit-tested like the rest.
"""
