"""The error class of a user's mistake; every part may raise it, and scripts print it without a traceback."""


class UserError(ValueError):
    """A mistake that the user can fix: the message names the file, line and value, and says how.

    Any other ValueError, numpy's for instance, is a defect of ours and keeps its traceback.
    """
