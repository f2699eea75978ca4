"""Tasks and models from a local server to folders: recorded, compared; one line for each mistake."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from absl import flags
from file_server import Site, names, serve, zipped
from source_tree import ROOT

from centrabert import command
from centrabert.glue_data import run_download
from centrabert.glue_data.download import catalogue, mrpc_source
from centrabert.glue_data.download.catalogue import Source
from centrabert.glue_data.download.glue_download import download

RTE_FILES = {
    "RTE/train.tsv": b"index\tsentence1\n0\tOne.\n",
    "RTE/dev.tsv": b"index\n",
    "__MACOSX/RTE/._x": b"?",
}
GLUE = ROOT.parent / "shared/data/glue"


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(Site({"/glue/data/RTE.zip": zipped(RTE_FILES)})) as running:
        yield running


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def run_script(site: Site, *argv: str) -> int:
    run_download.FLAGS.unparse_flags()
    for name in ("task_names", "models", "output_dir", "base_url", "keep_archives"):
        run_download.FLAGS[name].unparse()
    return command.status(
        run_download.main, run_download.FLAGS, ["run_download", f"--base_url={site.url}", *argv]
    )


def test_a_task_becomes_a_folder_and_a_record(site: Site, tmp_path: Path) -> None:
    source = catalogue.TASKS["rte"].moved_to(site.url)
    folder = download(source, tmp_path / "glue")
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {
        "train.tsv": RTE_FILES["RTE/train.tsv"],
        "dev.tsv": RTE_FILES["RTE/dev.tsv"],
    }
    assert names(tmp_path / "glue") == {"RTE", "DOWNLOADS.json", ".lock"}
    packed = site.files["/glue/data/RTE.zip"]
    assert json.loads((tmp_path / "glue/DOWNLOADS.json").read_text())["files"] == {
        "RTE.zip": {
            "url": f"{site.url}/glue/data/RTE.zip",
            "bytes": len(packed),
            "sha256": hashlib.sha256(packed).hexdigest(),
        }
    }
    download(source, tmp_path / "glue")
    assert len(site.asked) == 1, "a folder that is there is not fetched again"


def test_a_changed_archive_is_refused_against_the_record(site: Site, tmp_path: Path) -> None:
    source = catalogue.TASKS["rte"].moved_to(site.url)
    shutil.rmtree(download(source, tmp_path))
    before = (tmp_path / "DOWNLOADS.json").read_bytes()
    site.files["/glue/data/RTE.zip"] = zipped({"RTE/train.tsv": b"other"})
    with pytest.raises(ValueError, match=r"RTE.zip: SHA-256 is \w+, but \w+ is on record; if the new file"):
        download(source, tmp_path)
    assert names(tmp_path) == {"DOWNLOADS.json", ".lock"}
    assert (tmp_path / "DOWNLOADS.json").read_bytes() == before


def test_an_archive_brought_by_hand_is_used(site: Site, tmp_path: Path) -> None:
    (tmp_path / "RTE.zip").write_bytes(zipped(RTE_FILES))
    download(catalogue.TASKS["rte"].moved_to(site.url), tmp_path, keep_archives=True)
    assert names(tmp_path) == {"RTE.zip", "RTE", "DOWNLOADS.json", ".lock"}
    assert not site.asked
    shutil.rmtree(tmp_path / "RTE")
    (tmp_path / "RTE.zip").write_bytes(b"damaged")
    with pytest.raises(
        ValueError, match=r"RTE.zip: SHA-256 is \w+, but \w+ is on record; .*else remove the file"
    ):
        download(catalogue.TASKS["rte"].moved_to(site.url), tmp_path)


def test_a_damaged_record_is_told(site: Site, tmp_path: Path) -> None:
    (tmp_path / "DOWNLOADS.json").write_text("[]")
    with pytest.raises(ValueError, match=r"DOWNLOADS.json: holds a JSON list, not an object"):
        download(catalogue.TASKS["rte"].moved_to(site.url), tmp_path)
    assert not site.asked


PAGE = b"<html>Please log in to the hotel's network.</html>"


def test_what_is_not_sound_is_not_recorded_and_the_same_command_works(site: Site, tmp_path: Path) -> None:
    """As behind a captive portal, whose page comes in place of every file."""
    source, sound = catalogue.TASKS["rte"].moved_to(site.url), site.files["/glue/data/RTE.zip"]
    site.files["/glue/data/RTE.zip"] = PAGE
    message = r"RTE.zip: not a sound zip archive .*; what was fetched is removed: run the same command again$"
    with pytest.raises(ValueError, match=message):
        download(source, tmp_path)
    assert names(tmp_path) == set()
    site.files["/glue/data/RTE.zip"] = sound
    download(source, tmp_path)
    assert names(tmp_path / "RTE") == {"train.tsv", "dev.tsv"}


def test_a_damaged_archive_brought_by_hand_is_left_to_its_owner(site: Site, tmp_path: Path) -> None:
    source = catalogue.TASKS["rte"].moved_to(site.url)
    (tmp_path / "RTE.zip").write_bytes(PAGE)
    with pytest.raises(ValueError, match=r"RTE.zip: not a sound zip archive .*; remove the file$"):
        download(source, tmp_path)
    assert names(tmp_path) == {"RTE.zip"}
    (tmp_path / "RTE.zip").unlink()
    download(source, tmp_path)
    assert names(tmp_path / "RTE") == {"train.tsv", "dev.tsv"}


def test_a_record_that_78db6b1_wrote_is_read(site: Site, tmp_path: Path) -> None:
    """It could be of a captive portal's page: the advice says how to get rid of it."""
    source = catalogue.TASKS["rte"].moved_to(site.url)
    entry = {"url": source.urls[0], "bytes": len(PAGE), "sha256": hashlib.sha256(PAGE).hexdigest()}
    (tmp_path / "DOWNLOADS.json").write_text(json.dumps({"files": {"RTE.zip": entry}}))
    message = (
        r"if the new file is right, remove RTE.zip from .*DOWNLOADS.json and run the same command again$"
    )
    with pytest.raises(ValueError, match=message):
        download(source, tmp_path)
    (tmp_path / "DOWNLOADS.json").write_text(json.dumps({"files": {}}))
    assert names(download(source, tmp_path)) == {"train.tsv", "dev.tsv"}


def mrpc_files(folder: Path) -> dict[str, bytes]:
    """The three published files as they follow from GLUE's folder."""
    read = {name: (folder / f"{name}.tsv").read_text(encoding="utf-8") for name in ("train", "dev", "test")}
    header, *dev = read["dev"].rstrip("\n").split("\n")
    test = ["0\t" + line.split("\t", 1)[1] for line in read["test"].rstrip("\n").split("\n")]
    ids = ["\t".join(line.split("\t")[1:3]) for line in dev]
    return {
        "/senteval/senteval_data/msr_paraphrase_train.txt": (
            "\n".join([read["train"].rstrip("\n"), *dev])
        ).encode(),
        "/senteval/senteval_data/msr_paraphrase_test.txt": ("\n".join([header, *test[1:]]) + "\n").encode(),
        "/glue/data/mrpc_dev_ids.tsv": ("\n".join(ids) + "\n").encode(),
    }


def test_mrpc_is_train_without_dev_and_test_without_labels(tmp_path: Path) -> None:
    header = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n"
    train, test, ids = (tmp_path / name for name in ("train.txt", "test.txt", "ids.tsv"))
    train.write_text(header + "1\t11\t12\tA.\tB.\n0\t13\t14\tC.\tD.\n1\t14\t13\tE.\tF.\n", encoding="utf-8")
    test.write_text(header + "1\t21\t22\tG.\tH.\n", encoding="utf-8")
    ids.write_text("13\t14\n", encoding="utf-8")
    mrpc_source.assemble(train, test, ids, tmp_path / "MRPC")
    assert {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "MRPC").iterdir()} == {
        "train.tsv": header + "1\t11\t12\tA.\tB.\n1\t14\t13\tE.\tF.\n",
        "dev.tsv": header + "0\t13\t14\tC.\tD.\n",
        "test.tsv": "index\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t21\t22\tG.\tH.\n",
    }


@pytest.mark.skipif(not (GLUE / "MRPC").exists(), reason="../shared/data is not here")
def test_mrpc_is_put_together_as_glue_has_it(site: Site, tmp_path: Path) -> None:
    site.files.update(mrpc_files(GLUE / "MRPC"))
    folder = download(catalogue.TASKS["mrpc"].moved_to(site.url), tmp_path)
    for name in ("train.tsv", "dev.tsv", "test.tsv"):
        assert (folder / name).read_bytes() == (GLUE / "MRPC" / name).read_bytes()
    assert names(tmp_path) == {"MRPC", "DOWNLOADS.json", ".lock"}


def test_mrpc_needs_every_dev_pair_and_five_columns(tmp_path: Path) -> None:
    train, test, ids = (tmp_path / name for name in ("train.txt", "test.txt", "ids.tsv"))
    train.write_text("Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t11\t12\tA.\tB.\n")
    test.write_text("Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n")
    ids.write_text("11\t12\n13\t14\n")
    with pytest.raises(ValueError, match=r"ids.tsv: names 2 pairs, of which .*train.txt has 1"):
        mrpc_source.assemble(train, test, ids, tmp_path / "MRPC")
    train.write_text("Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t11\t12\tA.\n")
    with pytest.raises(ValueError, match=r"train.txt:2: 4 columns where 5 are expected"):
        mrpc_source.assemble(train, test, ids, tmp_path / "MRPC")
    assert not (tmp_path / "MRPC").exists()


def test_the_catalogue_names_what_bert_and_glue_publish() -> None:
    assert len(catalogue.TASKS) == 8
    assert len(catalogue.MODELS) == 32
    assert catalogue.MODELS["uncased_L-2_H-128_A-2"].urls == (
        "https://storage.googleapis.com/bert_models/2020_02_20/uncased_L-2_H-128_A-2.zip",
    )
    assert "/2018_10_18/" in catalogue.MODELS["uncased_L-12_H-768_A-12"].urls[0]
    assert catalogue.wanted(("all",), ())[-1].folder == "RTE"
    assert catalogue.wanted(("rte", "rte"), ()) == (catalogue.TASKS["rte"],)
    sources = [*catalogue.TASKS.values(), *catalogue.MODELS.values()]
    files = [url.rpartition("/")[2] for source in sources for url in source.urls]
    assert len(set(files)) == len(files), "two files would overwrite each other"
    assert Source("a", ("https://x.org/b/c.zip",)).moved_to("http://y:1/") == Source(
        "a", ("http://y:1/b/c.zip",)
    )


def test_the_script_downloads_tasks_and_models(site: Site, tmp_path: Path) -> None:
    model = "uncased_L-2_H-128_A-2"
    site.files[f"/bert_models/2020_02_20/{model}.zip"] = zipped(
        {"vocab.txt": b"[PAD]\n", "bert_config.json": b"{}"}
    )
    assert run_script(site, "--task_names=rte", f"--models={model}", f"--output_dir={tmp_path}") == 0
    assert names(tmp_path) == {"RTE", model, "DOWNLOADS.json", ".lock"}
    assert names(tmp_path / model) == {"vocab.txt", "bert_config.json"}


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["--task_names=rte,squad"], "unknown task 'squad'; known are cola, sst2, mrpc, stsb"),
        (["--models=bert-base"], "unknown model 'bert-base'; known are uncased_L-2_H-128_A-2"),
        ([], "nothing to download; tasks are cola"),
        (["--task_names=cola"], "/glue/data/CoLA.zip: HTTP 404 "),
        (
            ["--task_names=rte", "--base_url=http://127.0.0.1:1"],
            "127.0.0.1:1/glue/data/RTE.zip: no connection, after 5 tries; check the network",
        ),
    ],
)
def test_a_mistake_is_one_line(
    site: Site, tmp_path: Path, capfd: pytest.CaptureFixture[str], argv: list[str], line: str
) -> None:
    assert run_script(site, f"--output_dir={tmp_path / 'out'}", *argv) == 1
    told = capfd.readouterr().err.strip()
    assert told.startswith("run_download: error: ")
    assert line in told
    assert "\n" not in told
    assert not (tmp_path / "out").exists() or not names(tmp_path / "out")


def test_the_script_starts_without_tensorflow() -> None:
    code = "import sys, centrabert.glue_data.run_download; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_output_dir_is_required() -> None:
    with pytest.raises(flags.IllegalFlagValueError, match="--output_dir"):
        run_download.FLAGS.unparse_flags()
        run_download.FLAGS["output_dir"].unparse()
        run_download.FLAGS(["run_download"])
