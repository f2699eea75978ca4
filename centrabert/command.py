"""How every run_*.py script starts: its flags, its --help, and one line for a user's mistake."""

import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from absl import flags, logging


def run(main: Callable[[], None], flag_values: flags.FlagValues, argv: Sequence[str] | None = None) -> None:
    """Parses `argv` into `flag_values`, calls `main`, and exits.

    Exit code 0 is success; 1 a mistake in flags, files or data, told in one line on stderr; 130 a Ctrl-C.
    `--debug` adds the traceback. The flags are the script's own, not absl's global ones, so that two scripts
    can both have an `--output_dir` in one process.
    """
    sys.exit(status(main, flag_values, sys.argv if argv is None else argv))


def status(main: Callable[[], None], flag_values: flags.FlagValues, argv: Sequence[str]) -> int:
    """As `run`, but returns the exit code."""
    name = Path(argv[0]).name
    _define_common(flag_values)
    logging.set_verbosity(logging.INFO)
    logging.use_python_logging(quiet=True)
    try:
        if "--help" in argv[1:] or "-h" in argv[1:]:
            print(_usage(main, flag_values))
            return 0
        rest = flag_values(list(argv))[1:]
        if rest:
            raise ValueError(f"unexpected argument {rest[0]!r}; flags are written --name=value")
        main()
    except KeyboardInterrupt:
        print(f"{name}: stopped; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    except (ValueError, OSError, flags.Error) as error:
        if flag_values.is_parsed() and flag_values.debug:
            traceback.print_exc()
        print(f"{name}: error: {_one_line(error)}", file=sys.stderr)
        return 1
    return 0


def _define_common(flag_values: flags.FlagValues) -> None:
    if "debug" not in flag_values:
        flags.DEFINE_bool("debug", False, "Print the traceback of an error.", flag_values=flag_values)


def _usage(main: Callable[[], None], flag_values: flags.FlagValues) -> str:
    module = sys.modules[main.__module__]
    return f"{(module.__doc__ or '').strip()}\n\nFlags:\n{flag_values.main_module_help() or flag_values}"


def _one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())
