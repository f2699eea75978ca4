"""Making a model store: the base, layer by layer, and no version yet."""

import uuid
from pathlib import Path

from centrabert.merge.store.folder_digest import file_digests
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.merge.store.store_record import StoreRecord, write_store_record
from centrabert.merge.store.stored_layers import store_layers
from centrabert.modeling import files
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.config import BertConfig
from centrabert.modeling.file_lock import check_locks


def write_new_store(root: Path, base: Path, do_lower_case: bool | None, dry_run: bool = False) -> BertConfig:
    """Writes a store without versions; `ModelStore.create` says what of.

    Args:
      dry_run: Whether to check all that it is made of, and to write nothing.

    Returns:
      The config of the base.

    Raises:
      UserError: `base` is damaged, or the file system of `root` has no locks, so that nobody could change it.
      FileExistsError: There is something at `root`.
    """
    bert = BertFolder.at(base)
    tokenizer = bert.tokenizer(do_lower_case)
    bert.check()
    if dry_run:
        files.check_new(root)
        bert.read()
        return bert.config()
    with files.atomic_folder(root) as aside:
        check_locks(aside, root)
        folder = StoreFolder(aside)
        for place in (folder.layers, folder.branches, folder.versions, folder.cache, folder.tokenizer):
            place.mkdir()
        for name, content in tokenizer.assets.items():
            (folder.tokenizer / name).write_bytes(content)
        layers = store_layers(folder, bert)
        write_store_record(
            folder,
            StoreRecord(
                store=uuid.uuid4().hex,
                config=bert.config(),
                do_lower_case=tokenizer.do_lower_case,
                vocabulary_digest=tokenizer.digest,
                tokenizer=file_digests(folder.tokenizer),
                layers=layers,
            ),
        )
    return bert.config()
