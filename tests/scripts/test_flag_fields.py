"""Flags declared as the fields of a dataclass: parsed, filled in, refused."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from absl import flags

from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, flag_group, numbers_by_name, read
from centrabert.flag_text import flag_texts


@dataclass(frozen=True)
class Plain:
    """Knows nothing of flags."""

    rate: float = 0.5
    steps: int = 7


@dataclass(frozen=True, kw_only=True)
class Run:
    folder: Path = flag("A folder.")
    texts: tuple[str, ...] = flag("Texts.")
    seeds: tuple[int, ...] = flag("Seeds.", (3, 5))
    rates: tuple[float, ...] | None = flag("Rates.", None)
    file: Path | None = flag("A file.", None)
    layers: int | None = flag("Layers.", None, lower_bound=2)
    margin: float | None = flag("A margin.", None, bare=0.25, lower_bound=0.0)
    quiet: bool = flag("Whether it is quiet.", True)
    pooling: str = flag("How.", "cls", choices=("cls", "mean"))
    plain: Plain = flag_group({"rate": "A rate.", "steps": "Steps."})

    def __post_init__(self) -> None:
        if self.layers == 13:
            raise UserError("--layers=13 is one too many")


def parsed(*arguments: str) -> Run:
    flag_values = define(Run)
    flag_values(["script", *arguments])
    return read(Run, flag_values)


def test_defaults_and_required_flags() -> None:
    run = parsed("--folder=a/b", "--texts=x,y")
    assert run == Run(folder=Path("a/b"), texts=("x", "y"), plain=Plain())
    assert run.seeds == (3, 5) and run.file is None and run.rates is None
    with pytest.raises(flags.IllegalFlagValueError, match="folder"):
        parsed("--texts=x")


def test_a_group_may_leave_fields_out() -> None:
    """They are no flags, and have their defaults."""

    @dataclass(frozen=True, kw_only=True)
    class Fewer:
        plain: Plain = flag_group({"steps": "Steps."}, without=("rate",))

    flag_values = define(Fewer)
    flag_values(["script", "--steps=11"])
    assert read(Fewer, flag_values) == Fewer(plain=Plain(0.5, 11))
    with pytest.raises(flags.UnrecognizedFlagError, match="rate"):
        define(Fewer)(["script", "--rate=0.25"])


def test_every_type_is_read() -> None:
    given = (
        *("--folder=a", "--texts=", "--seeds=7", "--rates=1e-3,2", "--file=c.txt", "--layers=2", "--noquiet"),
        *("--pooling=mean", "--rate=0.25", "--steps=11"),
    )
    assert parsed(*given) == Run(
        folder=Path("a"),
        texts=(),
        seeds=(7,),
        rates=(1e-3, 2.0),
        file=Path("c.txt"),
        layers=2,
        quiet=False,
        pooling="mean",
        plain=Plain(0.25, 11),
    )


@pytest.mark.parametrize(
    ("argument", "error", "message"),
    [
        ("--seeds=1,b", UserError, "--seeds=1,b is not a list of numbers, as in 1,2,3"),
        ("--rates=0.5,inf", UserError, "--rates=inf is not a finite number"),
        ("--rate=nan", UserError, "--rate=nan is not a finite number"),
        ("--layers=13", UserError, "one too many"),
        ("--layers=1", flags.IllegalFlagValueError, "layers"),
        ("--pooling=max", flags.IllegalFlagValueError, "cls|mean"),
        ("--steps=0.5", flags.IllegalFlagValueError, "steps"),
        ("--margin=-0.5", flags.IllegalFlagValueError, "margin"),
        ("--nomargin", flags.IllegalFlagValueError, "margin"),
    ],
)
def test_bad_values_are_refused(argument: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        parsed("--folder=a", "--texts=x", argument)
    assert message in str(caught.value)


def test_numbers_by_name() -> None:
    assert numbers_by_name("weights", ["rte:2", "mrpc:0.5"]) == {"rte": 2.0, "mrpc": 0.5}
    assert numbers_by_name("weights", []) == {}


@pytest.mark.parametrize("pair", ["rte", "rte:", "rte:x", "rte:1:2"])
def test_what_is_no_number_by_name_is_refused(pair: str) -> None:
    with pytest.raises(UserError, match=rf"^--weights=a:1,{pair} is not of the form rte:2,mrpc:1$"):
        numbers_by_name("weights", ["a:1", pair])
    with pytest.raises(UserError, match=r"^--weights=inf is not a finite number$"):
        numbers_by_name("weights", ["a:inf"])


def test_help_says_kind_default_and_what_is_required() -> None:
    notes = {text.name: text.note for text in flag_texts(define(Run))}
    assert notes["folder"] == "string, required"
    assert notes["seeds"].endswith("default 3,5")
    assert notes["pooling"] == "cls or mean, default cls"
    assert notes["rate"] == "number, default 0.5"
    assert notes["layers"] == "integer"


def test_a_flag_without_a_value() -> None:
    given = ("--folder=a", "--texts=x")
    margins = [parsed(*given, *more).margin for more in ([], ["--margin"], ["--margin=0.5"], ["--margin=0"])]
    assert margins == [None, 0.25, 0.5, 0.0]


def test_two_groups_share_one_set_of_flags() -> None:
    flag_values = flags.FlagValues()
    define(Plain, flag_values, {"rate": "A rate.", "steps": "Steps."})
    flags.DEFINE_string("other", "x", "Another.", flag_values=flag_values)
    flag_values(["script", "--steps=2", "--other=y"])
    assert read(Plain, flag_values) == Plain(0.5, 2) and flag_values.other == "y"


def test_a_field_without_a_help_text_or_of_another_type_is_a_defect() -> None:
    with pytest.raises(TypeError, match=r"Plain\.rate: a flag needs a help text"):
        define(Plain)

    @dataclass
    class Odd:
        when: complex = flag("When.", 1j)

    with pytest.raises(TypeError, match="when: there is no flag of type"):
        define(Odd)
