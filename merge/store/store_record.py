"""What store.json says: the base of all versions, which never changes."""

from dataclasses import asdict, dataclass
from typing import Any

from centrabert.errors import UserError
from centrabert.merge.store.folder_digest import check_digests
from centrabert.merge.store.sealed_json import read_sealed, write_sealed
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.modeling import scopes
from centrabert.modeling.config import BertConfig
from centrabert.modeling.digest import joint_digest
from centrabert.modeling.formats.dataclass_json import read_dataclass
from centrabert.modeling.formats.format import Format

FORMAT = Format("store.json", version=1)


@dataclass(frozen=True)
class Layer:
    """The embeddings, or one layer of the base.

    Attributes:
      files: SHA-256 of its files, by name.
      variables: SHA-256 of its variables, by name.
    """

    files: dict[str, str]
    variables: dict[str, str]

    @property
    def digest(self) -> str:
        """What its folder is called."""
        return joint_digest(self.files)


@dataclass(frozen=True)
class StoreRecord:
    """The base.

    Attributes:
      store: What tells this store from any other.
      config: Of the BERT; what it says of the number of layers holds for the base.
      vocabulary_digest: Of the vocabulary and `do_lower_case` together.
      tokenizer: SHA-256 of the tokenizer's files, by name.
      layers: The embeddings, then every layer, from the bottom.

    Raises:
      UserError: The layers are not those of `config`, or a file is named that no folder can hold.
    """

    store: str
    config: BertConfig
    do_lower_case: bool
    vocabulary_digest: str
    tokenizer: dict[str, str]
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        for files in (self.tokenizer, *(layer.files for layer in self.layers)):
            check_digests(files)
        if self.trunk.keys() != scopes.encoder_shapes(self.config, self.config.num_hidden_layers).keys():
            raise UserError(f"the layers are not those of a BERT of {self.config.num_hidden_layers} layers")

    @property
    def trunk(self) -> dict[str, str]:
        """SHA-256 of every variable of the base but its pooler, by name."""
        return {name: sha for layer in self.layers for name, sha in layer.variables.items()}

    def to_json(self) -> dict[str, Any]:
        return {
            "store": self.store,
            "config": self.config.to_json(),
            "do_lower_case": self.do_lower_case,
            "vocabulary_digest": self.vocabulary_digest,
            "tokenizer": self.tokenizer,
            "layers": [asdict(layer) for layer in self.layers],
        }


def write_store_record(folder: StoreFolder, record: StoreRecord) -> None:
    write_sealed(folder.record, FORMAT, record.to_json())


def read_store_record(folder: StoreFolder) -> StoreRecord:
    """Reads store.json; raises UserError if there is no store, or one of a newer format."""
    if not folder.record.is_file():
        raise UserError(f"{folder.root}: is no model store: it has no store.json; make one by {CREATE}")
    return read_dataclass(StoreRecord, read_sealed(folder.record, FORMAT), str(folder.record))


CREATE = "`centrabert store create --store=FOLDER --base=BERT_FOLDER`"
