"""BERT's vocab.txt: the word pieces, one a line, whose line numbers are their ids."""

from dataclasses import dataclass, field
from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling.formats.git_lfs import check_not_pointer

PAD, UNK, CLS, SEP = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
WORDPIECES = "vocab.txt"
XLM_ROBERTA_PIECES, SPIECE = "sentencepiece.bpe.model", "spiece.model"  # Hugging Face's names
VOCABULARIES = (WORDPIECES, XLM_ROBERTA_PIECES, SPIECE)
SENTENCEPIECE_ENDING = ".model"


@dataclass(frozen=True)
class Vocabulary:
    """The word pieces of a BERT.

    Attributes:
      tokens: The pieces; a piece's place is its id. A piece of white space, such as the U+2028 in Google's
        Chinese vocabulary, is "" here: no text reaches it.
      content: The file as it was read, None for a vocabulary that was in no file.

    Raises:
      UserError: [PAD], [UNK], [CLS] or [SEP] is missing; a piece occurs twice.
    """

    tokens: tuple[str, ...]
    content: bytes | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check(self.tokens, "vocabulary")

    @classmethod
    def from_file(cls, path: Path | str) -> "Vocabulary":
        """Reads vocab.txt as `load_vocab` of BERT's tokenization.py does: every line, stripped.

        Raises:
          UserError: Names file and line: the file is missing, empty or not UTF-8, or a fault of the class.
        """
        content = read_content(Path(path))
        tokens = tuple(line.strip() for line in _lines(content, str(path)))
        _check(tokens, str(path))
        return cls(tokens, content)

    def id_of(self, token: str) -> int:
        """Raises ValueError for what is no piece."""
        return self.tokens.index(token)


def vocabulary_file(folder: Path) -> Path:
    """The vocabulary in a folder of a BERT, a merged model or a SavedModel; vocab.txt where there is none.

    Raises:
      UserError: There are several.
    """
    found = [folder / name for name in VOCABULARIES if (folder / name).is_file()]
    if len(found) > 1:
        names = " and ".join(file.name for file in found)
        raise UserError(f"{folder}: holds {names}; remove those that are not this model's vocabulary")
    return found[0] if found else folder / WORDPIECES


def read_content(path: Path) -> bytes:
    """The bytes of a vocabulary; raises UserError if there is no such file, or Git LFS's pointer to it."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    check_not_pointer(path, content)
    return content


def _lines(content: bytes, source: str) -> list[str]:
    """The lines as TensorFlow's GFile reads them: only a line feed ends one, carriage returns are dropped."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{source}:{line}: not UTF-8; save the vocabulary as UTF-8") from None
    if not text:
        raise UserError(f"{source}: empty; a vocabulary has one token a line")
    return text.replace("\r", "").removesuffix("\n").split("\n")


def _check(tokens: tuple[str, ...], source: str) -> None:
    for token in (PAD, UNK, CLS, SEP):
        if token not in tokens:
            first = f"; its first piece is {tokens[0]!r}" if tokens else ""
            raise UserError(f"{source}: {token} is missing; BERT cannot do without it{first}")
    lines: dict[str, int] = {}
    for line, token in enumerate(tokens, start=1):
        if token and lines.setdefault(token, line) != line:
            raise UserError(
                f"{source}:{line}: {token!r} is on line {lines[token]} already. BERT's own code takes the "
                f"later one: rename line {lines[token]} to what no text holds, such as {_unused(tokens)}, "
                "and remove no line, which would change the id of every later piece"
            )


def _unused(tokens: tuple[str, ...]) -> str:
    """The first [unusedN] that is no piece."""
    taken = set(tokens)
    return next(token for n in range(len(tokens) + 1) if (token := f"[unused{n}]") not in taken)
