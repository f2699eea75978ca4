"""YAML as configuration files use it: mappings, lists and plain values, each with its line.

Values are texts as they are written: what they mean, a reader of the file knows. So `labels: [yes, no]` are
two labels and not two truth values, and no tag of YAML makes an object of anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from centrabert.errors import UserError
from centrabert.modeling.formats.json_file import read_text

MAX_BYTES = 2**20
MAX_DEPTH = 8
PLAIN = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Value:
    """A value in a YAML file.

    Attributes:
      value: A text, a list of values, or a mapping of values by their keys.
    """

    source: str
    line: int
    value: "str | tuple[Value, ...] | Mapping[str, Value]"

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.source}:{self.line}"

    def wrong(self, message: str) -> UserError:
        """The error that names file and line."""
        return UserError(f"{self.place}: {message}")

    def mapping(self, what: str) -> "Mapping[str, Value]":
        """The value as a mapping; raises UserError that says what should be one."""
        if isinstance(self.value, str | tuple):
            raise self.wrong(f"{what} is no mapping of keys to values")
        return self.value

    def text(self, what: str) -> str:
        """The value as a text; raises UserError for a list, a mapping or nothing."""
        if not isinstance(self.value, str):
            raise self.wrong(f"{what} is a list or a mapping; write one value")
        if not self.value:
            raise self.wrong(f"{what} is empty; give it a value, or leave it out")
        return self.value

    def texts(self, what: str) -> tuple[str, ...]:
        """The value as a list of texts; raises UserError for anything else."""
        if not isinstance(self.value, tuple):
            raise self.wrong(f"{what} is no list; write one as in [yes, no]")
        return tuple(each.text(f"an entry of {what}") for each in self.value)


def read_yaml(path: Path) -> Value:
    """Reads a file of one YAML document.

    Raises:
      UserError: It names file and line: the file is absent, is not UTF-8, is no YAML, has anchors or
        aliases, tags of its own, a key twice, or is too large or too deep for a configuration.
    """
    text, source = read_text(path), str(path)
    if len(text) > MAX_BYTES:
        raise UserError(f"{path}: has {len(text):,} characters, more than the {MAX_BYTES:,} that are read")
    try:
        _check_events(text, source)
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise UserError(f"{where}: not YAML: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(
            f"{path}:{line}: not YAML: the control character {chr(error.character)!r}; remove it"
        ) from None
    if node is None:
        raise UserError(f"{path}: the file is empty")
    return _value(node, source)


def _check_events(text: str, source: str) -> None:
    """Refuses what a small file could grow by, before anything is built of it."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise UserError(
                f"{source}:{line}: anchors and aliases (& and *) are not read; write the value out"
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise UserError(f"{source}:{line}: is nested more than {MAX_DEPTH} levels deep")


def _value(node: yaml.Node, source: str) -> Value:
    line = node.start_mark.line + 1
    if not node.tag.startswith(PLAIN) or node.tag.startswith(f"{PLAIN}python"):
        raise UserError(f"{source}:{line}: the tag {node.tag} is not read; leave it out")
    if isinstance(node, yaml.MappingNode):
        return Value(source, line, _mapping(node, source))
    if isinstance(node, yaml.SequenceNode):
        return Value(source, line, tuple(_value(each, source) for each in node.value))
    return Value(source, line, node.value)


def _mapping(node: yaml.MappingNode, source: str) -> Mapping[str, Value]:
    values: dict[str, Value] = {}
    for key, each in node.value:
        name, line = _value(key, source).text("a key"), key.start_mark.line + 1
        if name in values:
            raise UserError(
                f"{source}:{line}: {name!r} stands on line {values[name].line} already; remove one"
            )
        values[name] = Value(source, line, _value(each, source).value)
    return values
