"""A file format that can grow: its version, and how a file of an older version becomes one of the newest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling.formats.json_file import Keys, dump, read_json

VERSION = "format_version"
Upgrade = Callable[[Keys], Keys]


def same_keys(keys: Keys) -> Keys:
    """The upgrade of a format whose next version only began to say its version."""
    return keys


@dataclass(frozen=True)
class Format:
    """One JSON file format of ours.

    To change a format: raise `version` by one, and add under the old version a function from the keys of an
    old file (without `format_version`) to those of the next version. Where the keys are not as that version
    wrote them, it may raise a KeyError, TypeError, AttributeError, IndexError or ValueError.

    Attributes:
      name: What messages call it, "branch.json" for instance.
      version: What is written.
      upgrades: Version -> function that makes the keys of the next version; from the oldest version that is
        still read to the last but one. Version 0 has no `format_version` at all.

    Raises:
      ValueError: A version between the oldest and the newest has no upgrade.
    """

    name: str
    version: int = 1
    upgrades: Mapping[int, Upgrade] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if sorted(self.upgrades) != list(range(self.oldest, self.version)):
            raise ValueError(
                f"{self.name}: upgrades from {sorted(self.upgrades)} to {self.version} have a gap"
            )

    @property
    def oldest(self) -> int:
        """The oldest version that can be read."""
        return min(self.upgrades, default=self.version)

    def written(self, keys: Keys) -> Keys:
        """`keys` as they are written, with the version in front."""
        return {VERSION: self.version, **keys}

    def text(self, keys: Keys) -> str:
        """The whole file."""
        return dump(self.written(keys))

    def read(self, path: Path) -> Keys:
        """The keys of a file, upgraded; raises UserError naming the file."""
        return self.upgraded(read_json(path), str(path))

    def upgraded(self, keys: Keys, source: str) -> Keys:
        """The keys of the newest version, without `format_version`; `keys` stay as they are.

        Raises:
          UserError: It begins with `source`: the version is none that can be read, or the keys are not of it.
        """
        version = self._version(keys, source)
        own = {name: value for name, value in keys.items() if name != VERSION}
        for older in range(version, self.version):
            try:
                own = self.upgrades[older](own)
            except UserError as error:
                raise UserError(f"{source}: {error}") from None
            except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
                raise UserError(
                    f"{source}: is no {self.name} of format_version {version}: {type(error).__name__} {error}"
                ) from None
        return own

    def _version(self, keys: Keys, source: str) -> int:
        version = keys.get(VERSION, 0)
        if not isinstance(version, int) or isinstance(version, bool):
            raise UserError(f"{source}: format_version {version!r} is not a whole number")
        if version > self.version:
            raise UserError(
                f"{source}: format_version {version} is newer than {self.version}, the newest that this "
                "CentraBERT reads; update CentraBERT, or write the file again with this one"
            )
        if version < self.oldest or (version == 0 and VERSION in keys):
            said = f"format_version {version}" if VERSION in keys else "no format_version"
            raise UserError(
                f"{source}: has {said}; a {self.name} that can be read has {self.oldest}..{self.version}"
            )
        return version
