"""Where everything lies in a model store."""

import re
from dataclasses import dataclass
from pathlib import Path

from centrabert.errors import UserError

MODEL = "model"  # of a version: what it is exported as


@dataclass(frozen=True)
class StoreFolder:
    """The paths of a store.

    store.json                   the base: its shape, its tokenizer, the digest of every variable
    labels.json                  what labels such as stable have pointed to, the newest last
    tokenizer/                   vocab.txt or the SentencePiece model
    layers/DIGEST/               the embeddings, or one layer, of the base
    branches/DIGEST/             branch.json, model.ckpt.*, golden.json
    versions/NUMBER/             version.json, proof.json, model/
    cache/DIGEST.index           the names of a branch's variables in a merged model; can be made again
    .lock                        whoever changes the store holds it
    """

    root: Path

    @property
    def record(self) -> Path:
        return self.root / "store.json"

    @property
    def labels(self) -> Path:
        return self.root / "labels.json"

    @property
    def tokenizer(self) -> Path:
        return self.root / "tokenizer"

    @property
    def layers(self) -> Path:
        return self.root / "layers"

    @property
    def branches(self) -> Path:
        return self.root / "branches"

    @property
    def versions(self) -> Path:
        return self.root / "versions"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def written(self) -> tuple[Path, ...]:
        """The folders in which commands write aside what they give a name here."""
        return (self.root, self.branches, self.versions, self.cache)

    def check_outside(self, path: Path) -> None:
        """Raises UserError if `path`, where something is to be written, lies in the store."""
        if path.resolve().is_relative_to(self.root.resolve()):
            raise UserError(
                f"{path}: lies in the store {self.root}, which holds nothing else; choose another"
            )

    def layer(self, digest: str) -> Path:
        return self.layers / digest

    def branch(self, digest: str) -> Path:
        return self.branches / digest

    def index(self, digest: str) -> Path:
        """The index of a branch's weights under their merged names."""
        return self.cache / f"{digest}.index"

    def version(self, number: int) -> Path:
        return self.versions / str(number)

    def model(self, number: int) -> Path:
        return self.version(number) / MODEL

    def stored(self) -> set[str]:
        """The digests of the branches that there are."""
        found = self.branches.iterdir() if self.branches.is_dir() else ()
        return {path.name for path in found if re.fullmatch("[0-9a-f]{64}", path.name)}

    def numbers(self) -> list[int]:
        """The versions that there are, in their order."""
        found = self.versions.iterdir() if self.versions.is_dir() else ()
        return sorted(int(path.name) for path in found if re.fullmatch("[1-9][0-9]{0,17}", path.name))
