"""Errors of the embedded stack, shown to the user."""


class StackError(Exception):
    """The embedded stack cannot do what was asked.

    The message says what is wrong and, if possible, how to fix it; it is shown without a traceback.
    """
