"""JSON files that notice any change: each holds the digest of what else it says."""

from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling.digest import text_digest
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.format import Format
from centrabert.modeling.formats.json_file import Keys, dump, parse_json, read_text

DIGEST = "digest"
MAX_BYTES = 64 * 2**20  # a version of the most tasks that one may have takes an eighth


def write_sealed(path: Path, form: Format, keys: Keys) -> None:
    """Replaces the file in one step; raises OSError if the disk is full or the folder is not writable."""
    write_text(path, sealed_text(form, keys))


def sealed_text(form: Format, keys: Keys) -> str:
    """The whole file."""
    written = form.written(keys)
    return dump({**written, DIGEST: text_digest(dump(written))})


def read_sealed(path: Path, form: Format) -> Keys:
    """The keys of a file, without the digest.

    Raises:
      UserError: It names the file: it is absent, too large, no JSON, of a version that cannot be read, or
        not, to the last byte, as it was written.
    """
    if path.is_file() and (size := path.stat().st_size) > MAX_BYTES:
        raise UserError(f"{path}: has {size:,} bytes, more than the {MAX_BYTES:,} of a {form.name}")
    text = read_text(path)
    keys = parse_json(text, str(path))
    found = keys.pop(DIGEST, None)
    upgraded = form.upgraded(keys, str(path))
    if found != text_digest(dump(keys)) or text != dump({**keys, DIGEST: found}):
        raise UserError(f"{path}: is damaged, or was edited by hand; restore it from a copy")
    return upgraded
