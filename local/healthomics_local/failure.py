"""The one kind of error that a person reads at the command line."""


class LocalAwsError(Exception):
    """Something that the user can cure; one paragraph: what failed, the value, what is allowed, the cure."""
