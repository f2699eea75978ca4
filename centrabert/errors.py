"""A user's mistake: the class that every part raises, and which of TensorFlow's errors are one too.

Scripts print it in one line, without a traceback. TensorFlow is not imported: an error of it can only have
come up where it is imported already.
"""

import errno
import os
import re
import sys

FILE_REASON = re.compile(r"(?P<path>[^\s;]*/[^;\n]*); (?P<reason>[^\[\n]+)")
SYSTEM_REASONS = frozenset(os.strerror(number) for number in errno.errorcode)


class UserError(ValueError):
    """A mistake that the user can fix: the message names the file, line and value, and says how.

    Any other ValueError, numpy's for instance, is a defect of ours and keeps its traceback.
    """


def tensorflow_errors() -> tuple[type[BaseException], ...]:
    """The base class of TensorFlow's errors, or nothing while TensorFlow is not imported."""
    errors = getattr(sys.modules.get("tensorflow"), "errors", None)
    return (errors.OpError,) if errors else ()


def file_mistake(error: BaseException) -> str | None:
    """`<path>: <what the system said>`, or None if the error is about anything else.

    TensorFlow's file system writes `<path>; <strerror>` into messages that also hold a stack of the graph
    (tsl/platform/default/posix_file_system.cc, IOError).
    """
    for found in FILE_REASON.finditer(str(getattr(error, "message", ""))):
        if found["reason"].strip() in SYSTEM_REASONS:
            return f"{found['path'].strip()}: {found['reason'].strip()}"
    return None
