"""How every run_*.py script starts: its flags, its --help, and one line for a user's mistake."""

import logging as python_logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from absl import flags, logging

from centrabert import interruption
from centrabert.errors import UserError, file_mistake, tensorflow_errors
from centrabert.flag_text import missing, usage

HELP = frozenset(["--help", "-help", "-h"])
VERB = "verb"  # a flag that is given as the first argument
MISTAKE, STDOUT_CLOSED = 1, 141  # 128 + SIGPIPE, as a shell reports `run_inspect | head`
# Read when TensorFlow is first imported. Its notes on CUDA and oneDNN are no concern of who runs a script.
# oneDNN is off where AVX-512 is missing; without it the bits of a row depend on its batch: docs/RESULTS.md.
TENSORFLOW = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}


def run(main: Callable[[], None], flag_values: flags.FlagValues, argv: Sequence[str] | None = None) -> None:
    """Parses `argv` into `flag_values`, calls `main`, and exits.

    Exit code 0 is success; 1 is a mistake in flags, files or data, reported in one line on stderr; 130 is
    Ctrl-C and 143 is SIGTERM. `--debug` adds the traceback. The flags are the script's own, not absl's
    global ones, so that two scripts can both have an `--output_dir` in one process.
    """
    sys.exit(status(main, flag_values, sys.argv if argv is None else argv))


def status(main: Callable[[], None], flag_values: flags.FlagValues, argv: Sequence[str]) -> int:
    """As `run`, but returns the exit code; may be called again with the same `flag_values`."""
    name = Path(argv[0]).name
    _prepare(flag_values)
    try:
        with interruption.terminable():
            _parse_and_call(main, flag_values, argv)
            sys.stdout.flush()
        return 0
    except KeyboardInterrupt as stop:
        print(f"{name}: stopped; run the same command again to resume", file=sys.stderr)
        return interruption.exit_code(stop)
    except BrokenPipeError:
        _drop_undelivered_output()
        return STDOUT_CLOSED
    except (UserError, OSError, flags.Error, *tensorflow_errors()) as error:
        _drop_undelivered_output()
        line = _one_line(error, flag_values)
        if line is None:
            raise
        if flag_values.is_parsed() and flag_values.debug:
            traceback.print_exc()
        print(f"{name}: error: {line}", file=sys.stderr)
        return MISTAKE


def define_common(flag_values: flags.FlagValues) -> None:
    """Adds the flags that every script has."""
    if "debug" not in flag_values:
        flags.DEFINE_bool("debug", False, "Print the traceback of an error.", flag_values=flag_values)


def _prepare(flag_values: flags.FlagValues) -> None:
    for variable, value in TENSORFLOW.items():
        os.environ.setdefault(variable, value)
    logging.set_verbosity(logging.INFO)
    python_logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S")
    define_common(flag_values)
    flag_values.unparse_flags()  # what an earlier call in this process was given


def _parse_and_call(main: Callable[[], None], flag_values: flags.FlagValues, argv: Sequence[str]) -> None:
    if not HELP.isdisjoint(argv[1:]):
        print(usage(sys.modules[main.__module__].__doc__ or "", flag_values))
        return
    rest = flag_values(with_verb(flag_values, argv))[1:]
    if rest:
        raise UserError(f"unexpected argument {rest[0]!r}; flags are written --name=value")
    main()


def with_verb(flag_values: flags.FlagValues, argv: Sequence[str]) -> list[str]:
    """The arguments, with the first as --verb where a script has that flag and it stands alone."""
    program, *rest = argv
    if VERB in flag_values and rest and not rest[0].startswith("-"):
        return [program, f"--{VERB}={rest[0]}", *rest[1:]]
    return [program, *rest]


def _drop_undelivered_output() -> None:
    """Keeps Python from failing once more at its exit, over output that nobody can take."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _one_line(error: BaseException, flag_values: flags.FlagValues) -> str | None:
    """What the user did wrong; None for an error of TensorFlow that no user can fix."""
    if isinstance(error, flags.Error):
        absent = missing(flag_values) if flag_values.is_parsed() else ""
        text = f"missing {absent}" if absent else str(error)
        return f"{text.rstrip('.')}; --help lists the flags"
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, UserError | OSError):
        return " ".join(str(error).split()) or type(error).__name__
    return file_mistake(error)
