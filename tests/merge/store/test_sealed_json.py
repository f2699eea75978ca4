"""A sealed file notices every single byte that is another one."""

from pathlib import Path

import pytest

from centrabert.errors import UserError
from centrabert.merge.store.sealed_json import read_sealed, write_sealed
from centrabert.modeling.formats.format import Format

FORM = Format("x.json", version=1)
KEYS = {"number": 3, "text": "Ünï", "list": [1.5, None], "empty": {}}


def test_every_flipped_byte_is_found(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    write_sealed(file, FORM, KEYS)
    whole = file.read_bytes()
    assert read_sealed(file, FORM) == KEYS
    for place in range(len(whole)):
        for flip in (0x01, 0x20, 0xFF):
            file.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
            with pytest.raises(UserError, match=r"x\.json"):
                read_sealed(file, FORM)


def test_a_newer_format_says_so(tmp_path: Path) -> None:
    write_sealed(tmp_path / "x.json", Format("x.json", version=2, upgrades={1: dict}), KEYS)
    with pytest.raises(UserError, match=r"format_version 2 is newer than 1.*update CentraBERT"):
        read_sealed(tmp_path / "x.json", FORM)
