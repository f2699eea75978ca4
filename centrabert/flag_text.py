"""What a script's flags say of themselves: one source for --help and for docs/COMMANDS.md."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from absl import flags

REQUIRED = "Flag --{} must have a value other than None."  # the message of flags.mark_flag_as_required
KINDS = {
    "int": "integer",
    "float": "number",
    "bool": "true or false",
    "comma separated list of strings": "comma-separated list",
}
WIDTH = 100


@dataclass(frozen=True)
class FlagText:
    """One flag in words; `default` is None where it has none."""

    name: str
    kind: str
    default: str | None
    required: bool
    help: str

    @property
    def note(self) -> str:
        """Kind, and default or that there is none: `number, default 5e-05`."""
        if self.required:
            return f"{self.kind}, required"
        return self.kind if self.default is None else f"{self.kind}, default {self.default}"


def flag_texts(flag_values: flags.FlagValues) -> list[FlagText]:
    """The flags in the order of their definition, required ones first."""
    texts = [_text(name, flag_values[name]) for name in flag_values]
    return sorted(texts, key=lambda text: not text.required)


def missing(flag_values: flags.FlagValues) -> str:
    """The required flags that were not given, as in `--data_dir, --output_dir`."""
    required = (text.name for text in flag_texts(flag_values) if text.required)
    return ", ".join(f"--{name}" for name in required if flag_values[name].value is None)


def usage(docstring: str, flag_values: flags.FlagValues) -> str:
    """What --help prints: the script's docstring, then its flags."""
    return "\n".join([docstring.strip(), "", "Flags:", *_usage_lines(flag_values)])


def _usage_lines(flag_values: flags.FlagValues) -> Iterator[str]:
    for text in flag_texts(flag_values):
        yield f"  --{text.name} ({text.note})"
        yield textwrap.fill(text.help, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)


def _text(name: str, flag: flags.Flag) -> FlagText:
    kind, help_text = _kind(flag)
    required = REQUIRED.format(name) in {validator.message for validator in flag.validators}
    return FlagText(name, kind, _default(flag), required, " ".join(help_text.split()))


def _kind(flag: flags.Flag) -> tuple[str, str]:
    """The kind, and the help without the list of values that absl puts in front of an enum's."""
    values = getattr(flag.parser, "enum_values", None)
    if values:
        listed = "|".join(values)
        return " or ".join(values), (flag.help or "").removeprefix(f"<{listed}>: ")
    kind = flag.flag_type()
    return KINDS.get(kind, kind), flag.help or ""


def _default(flag: flags.Flag) -> str | None:
    if flag.default in (None, "", []):
        return None
    if flag.boolean:
        return "true" if flag.default else "false"
    if isinstance(flag.default, list):
        return ",".join(map(str, flag.default))
    return str(flag.default)
