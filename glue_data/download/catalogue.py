"""Where the official GLUE data and Google's BERT checkpoints are on the internet.

The GLUE addresses are those of the GLUE authors' download_glue_data.py and of Hugging Face datasets' glue.py;
the BERT addresses those of google-research/bert's README.md and multilingual.md. No checksum is claimed here:
what was downloaded is recorded (see download_record.py).
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from centrabert.errors import UserError

GLUE = "https://dl.fbaipublicfiles.com/glue/data"
SENTEVAL = "https://dl.fbaipublicfiles.com/senteval/senteval_data"
BERT = "https://storage.googleapis.com/bert_models"


@dataclass(frozen=True)
class Source:
    """What has to be fetched for one folder.

    Attributes:
      folder: The name of the folder it becomes.
      urls: One zip archive, or the files from which MRPC is put together.
    """

    folder: str
    urls: tuple[str, ...]

    def moved_to(self, base_url: str) -> "Source":
        """The same paths under another server, "https://mirror.example/data" for instance."""
        base = base_url.rstrip("/")
        return Source(self.folder, tuple(base + urlsplit(url).path for url in self.urls))


TASKS = {
    "cola": Source("CoLA", (f"{GLUE}/CoLA.zip",)),
    "sst2": Source("SST-2", (f"{GLUE}/SST-2.zip",)),
    "mrpc": Source(
        "MRPC",
        (
            f"{SENTEVAL}/msr_paraphrase_train.txt",
            f"{SENTEVAL}/msr_paraphrase_test.txt",
            f"{GLUE}/mrpc_dev_ids.tsv",
        ),
    ),
    "stsb": Source("STS-B", (f"{GLUE}/STS-B.zip",)),
    "qqp": Source("QQP", (f"{GLUE}/QQP-clean.zip",)),
    "mnli": Source("MNLI", (f"{GLUE}/MNLI.zip",)),
    "qnli": Source("QNLI", (f"{GLUE}/QNLIv2.zip",)),
    "rte": Source("RTE", (f"{GLUE}/RTE.zip",)),
}

# The small models of Turc et al. 2019: every number of layers with every width, one head for 64 units.
SMALL = tuple((layers, hidden) for layers in (2, 4, 6, 8, 10, 12) for hidden in (128, 256, 512, 768))
MODEL_DATES = {
    **{f"uncased_L-{layers}_H-{hidden}_A-{hidden // 64}": "2020_02_20" for layers, hidden in SMALL},
    "uncased_L-12_H-768_A-12": "2018_10_18",  # BERT-Base itself, not its 2020 retraining of the same name
    "uncased_L-24_H-1024_A-16": "2018_10_18",
    "cased_L-12_H-768_A-12": "2018_10_18",
    "cased_L-24_H-1024_A-16": "2018_10_18",
    "wwm_uncased_L-24_H-1024_A-16": "2019_05_30",
    "wwm_cased_L-24_H-1024_A-16": "2019_05_30",
    "multilingual_L-12_H-768_A-12": "2018_11_03",
    "multi_cased_L-12_H-768_A-12": "2018_11_23",
    "chinese_L-12_H-768_A-12": "2018_11_03",
}
MODELS = {name: Source(name, (f"{BERT}/{date}/{name}.zip",)) for name, date in MODEL_DATES.items()}


def wanted(task_names: tuple[str, ...], models: tuple[str, ...]) -> tuple[Source, ...]:
    """The sources of the named tasks ("all" for the eight of them) and models.

    Raises:
      UserError: A name is unknown, or there is none.
    """
    tasks = tuple(TASKS) if task_names == ("all",) else task_names
    for kind, names, known in (("task", tasks, TASKS), ("model", models, MODELS)):
        for name in names:
            if name not in known:
                raise UserError(f"unknown {kind} {name!r}; known are {', '.join(known)}")
    if not tasks and not models:
        raise UserError(f"nothing to download; tasks are {', '.join(TASKS)}, models {', '.join(MODELS)}")
    return tuple(dict.fromkeys([*(TASKS[name] for name in tasks), *(MODELS[name] for name in models)]))
