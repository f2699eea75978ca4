"""A version of a store as a merged model: all weights in one plain TensorFlow checkpoint."""

import shutil
from pathlib import Path

from centrabert.errors import UserError
from centrabert.export.contract.version_folder import ASSETS, EXTRA, VARIABLES
from centrabert.merge.manifest import Manifest
from centrabert.merge.merged_folder import CHECKPOINT, GOLDENS, MANIFEST, read_manifest
from centrabert.merge.store.integrity import model_faults
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.merge.store.version_record import read_version
from centrabert.modeling import checkpoint, files


def check_out(folder: StoreFolder, number: int, output_dir: Path, dry_run: bool) -> Manifest:
    """Writes the merged model into `output_dir`; every byte that it is made of is checked before.

    Raises:
      UserError: There is no such version, it is damaged, or `output_dir` lies in the store.
      FileExistsError: There is something at `output_dir`.
    """
    folder.check_outside(output_dir)
    model = folder.model(number)
    for fault in model_faults(model, read_version(folder, number)):
        raise UserError(fault)
    manifest = read_manifest(model / EXTRA)
    files.check_new(output_dir)
    if not dry_run:
        with files.atomic_folder(output_dir) as aside:
            checkpoint.write(aside / CHECKPOINT, checkpoint.read(model / VARIABLES))
            shutil.copytree(model / ASSETS, aside, dirs_exist_ok=True)
            shutil.copytree(model / EXTRA / GOLDENS, aside / GOLDENS)
            shutil.copyfile(model / EXTRA / MANIFEST, aside / MANIFEST)
    return manifest
