"""What can go wrong with the embedded stack, said to the person at the terminal."""


class StackError(Exception):
    """The embedded stack cannot do what was asked.

    The message says what is wrong and, where there is one, the remedy; no traceback is shown with it.
    """
