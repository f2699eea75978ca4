"""What a user declares of a task: its files, columns and labels, and how it is trained."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.declared import row_values
from centrabert.glue_data.declared.official import Official
from centrabert.glue_data.readers.formats import CENTRABERT, CONLL, FORMATS, SEQ
from centrabert.modeling.kinds.label_names import check_label_names
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.tag_scheme import SCHEMES
from centrabert.modeling.task import check_name, shortest_length
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.words.word_places import BY_BERT, BY_CHARACTERS, BY_WHITESPACE, SPLITS

CLASSIFICATION, REGRESSION, MULTILABEL, TAGGING = DECLARED_KINDS = (
    *("classification", "regression", "multilabel", "tagging"),
)
SOFTMAX, CRF = OUTPUTS = ("softmax", "crf")


class DeclarationError(UserError):
    """A key of a declaration has a value that it cannot have.

    Attributes:
      key: Its name.
      reason: The rest of the message.
    """

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key, self.reason = key, reason


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """One task; whether its files are there shows when they are read.

    Attributes:
      name: As in TaskSpec.
      kind: One of DECLARED_KINDS.
      train, dev, test: Its files; None where there is none, or where `data` has it.
      data: A folder with files of fixed names, instead: train, dev and test.
      format: One of FORMATS; "" goes by the ending of each file.
      text, text_b, label: Columns or keys, or the numbers of columns, from 0, in files without a header, such
        as CoNLL's; "" is what the format calls them. Without `text_b` a row is a single text.
      labels: In the order of the head's outputs; () takes them from train.
      metric: By which a checkpoint is chosen; "" is the kind's first.
      max_seq_length: None leaves it to the flag.
      dev_fraction: The share of train that becomes dev, where there is no file for it.
      output: One of OUTPUTS; of a tagging alone.
      scheme: One of SCHEMES, which the tags must obey; "" is BIO, and repairs tags that break its rules.
      split: One of SPLITS; "" is what suits the format. Of a tagging alone.
      columns: Of a CoNLL file, the numbers of "word" and "tag", as `text` and `label` may say them, too.
      class_weights, label_smoothing: As in Hyperparameters.
      official: Of a task of GLUE, what its files in `data` are; no key says it.
      places: Of keys that a file declares, where they stand in it, as in "tasks.yaml:7".

    Raises:
      DeclarationError: A value is none that its key can have, or does not go with the others.
    """

    name: str
    kind: str = CLASSIFICATION
    train: Path | None = None
    dev: Path | None = None
    test: Path | None = None
    data: Path | None = None
    format: str = ""
    text: str = ""
    text_b: str = ""
    label: str = ""
    labels: tuple[str, ...] = ()
    metric: str = ""
    max_seq_length: int | None = None
    dev_fraction: float = 0.0
    output: str = ""
    scheme: str = ""
    split: str = ""
    columns: Mapping[str, int] = field(default_factory=dict)
    class_weights: tuple[str, ...] = ()
    label_smoothing: float = 0.0
    official: Official | None = None
    places: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        _of("name", lambda: check_name(self.name))
        for key, choices in CHOICES.items():
            value = getattr(self, key)
            if value not in choices and (value or key == "kind"):
                raise DeclarationError(key, f"{value!r} is none of {', '.join(choices)}")
        self._check_files()
        self._check_of_kind()
        if self.columns and (self.columns.keys() - {"word", "tag"} or min(self.columns.values()) < 0):
            raise DeclarationError(
                "columns", "write the numbers of two columns, from 0, as in {word: 0, tag: 3}"
            )
        shortest = shortest_length(bool(self.text_b))
        if self.max_seq_length is not None and self.max_seq_length < shortest:
            raise DeclarationError("max_seq_length", f"{self.max_seq_length} is below {shortest}")
        for key in TRAINING:
            _of(key, partial(Hyperparameters, **{key: getattr(self, key)}))

    def _check_files(self) -> None:
        if self.data and (given := next((key for key in SPLIT_FILES if getattr(self, key)), "")):
            raise DeclarationError(
                given, "`data` is a folder that holds all files; give it, or the files one by one"
            )
        if not self.data and not self.train and not self.dev and not self.test:
            raise DeclarationError(
                "train", "there is no file; give train and dev, or data, a folder that holds them"
            )
        if not 0 <= self.dev_fraction < 1:
            raise DeclarationError("dev_fraction", f"{self.dev_fraction} is not in [0, 1), as 0.1 is")
        if self.dev_fraction and self.dev:
            raise DeclarationError("dev_fraction", "there is a dev file; leave one of the two out")

    def _check_of_kind(self) -> None:
        if self.head not in KINDS:
            raise DeclarationError("kind", f"{self.head!r} is none of {', '.join(KINDS)}")
        allowed = sorted(KINDS[self.head].metrics)
        if self.metric and self.metric not in allowed:
            raise DeclarationError(
                "metric", f"{self.metric!r} is not for a {self.head}; choose {', '.join(allowed)}"
            )
        if self.labels:
            if self.kind == REGRESSION:
                raise DeclarationError("labels", "a regression has none")
            _of("labels", self._check_labels)
        for key in TRAINING:
            if getattr(self, key) and not KINDS[self.head].weighs_labels:
                raise DeclarationError(key, f"a {self.kind} takes none; leave the key out")
        for key in ("output", "scheme", "split", "columns"):
            if getattr(self, key) and self.kind != TAGGING:
                raise DeclarationError(key, f"is for a tagging alone; the kind is {self.kind}")
        if self.kind == TAGGING and self.text_b:
            raise DeclarationError("text_b", "a tagging reads single texts")
        if self.columns and self.format not in ("", CONLL):
            raise DeclarationError("columns", f"is for CoNLL files; the format is {self.format}")
        if self.columns and (self.text.isdecimal() or self.label.isdecimal()):
            raise DeclarationError("columns", "is another way to say text and label; leave it or them out")
        if self.format == CONLL and self.kind != TAGGING:
            raise DeclarationError("format", "CoNLL columns have a tag for each word; their kind is tagging")
        if self.split == BY_BERT and self.format in (CONLL, SEQ):
            raise DeclarationError(
                "split", f"the files have their words; the format {self.format} goes with whitespace"
            )

    def _check_labels(self) -> None:
        """Raises UserError for labels that the kind cannot have, or that no row could have."""
        for label in self.labels:
            row_values.label(label, "the label")
        if self.kind == TAGGING:
            check_label_names(self.labels)
        else:
            KINDS[self.kind].check_labels(self.labels)

    def wrong(self, key: str, problem: str) -> UserError:
        """The error of a key whose value does not go with the data; names file and line, if it has any."""
        where = f"{self.places[key]}: " if key in self.places else ""
        return UserError(f"{where}task {self.name}: {problem}")

    @property
    def head(self) -> str:
        """The kind as the model calls it."""
        return f"{CRF}_{TAGGING}" if self.output == CRF else self.kind

    @property
    def words(self) -> str:
        """How a tagging's text becomes words, as in TaskSpec; "" for others."""
        if self.kind != TAGGING:
            return ""
        return self.split or (BY_CHARACTERS if self.format == CENTRABERT else BY_WHITESPACE)


TRAINING = ("class_weights", "label_smoothing")  # as in Hyperparameters
SPLIT_FILES = ("train", "dev", "test")
CHOICES = {"kind": DECLARED_KINDS, "format": FORMATS, "output": OUTPUTS, "scheme": SCHEMES, "split": SPLITS}


def _of(key: str, check: Callable[[], object]) -> None:
    """Calls `check`, and says of which key its complaint is."""
    try:
        check()
    except UserError as error:
        reason = str(error).removeprefix(f"--{key}").lstrip(":= ")
        raise DeclarationError(key, reason) from None
