"""The peer's side of train_speed: Hugging Face Transformers on the same batches, as its users write it."""

import itertools
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, get_linear_schedule_with_warmup


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    task = job["task"]
    model = AutoModelForSequenceClassification.from_pretrained(
        str(Path(job["scratch"], "huggingface")), num_labels=len(task["labels"]) or 1
    )
    if job["layers"] != "full":
        model.bert.embeddings.requires_grad_(False)
        for layer in model.bert.encoder.layer[: -int(job["layers"])]:
            layer.requires_grad_(False)
    model.train()
    tuned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(tuned, lr=1e-4, weight_decay=0.01)
    schedule = get_linear_schedule_with_warmup(optimizer, 100, 1000)
    batches = np.load(Path(job["scratch"], "batches.npz"))
    numbers = itertools.cycle(range(job["batches"]))
    print("ready", flush=True)
    while sys.stdin.readline():
        start = time.perf_counter()
        for _ in range(job["steps"]):
            _step(model, batches, next(numbers))
            torch.nn.utils.clip_grad_norm_(tuned, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        print(time.perf_counter() - start, flush=True)


def _step(model: torch.nn.Module, batches: np.lib.npyio.NpzFile, number: int) -> None:
    """Forward and backward pass of one batch."""
    ids = torch.from_numpy(batches[f"{number}/input_ids"]).long()
    kinds = torch.from_numpy(batches[f"{number}/segment_ids"]).long()
    labels = torch.from_numpy(batches[f"{number}/labels"])
    model(
        input_ids=ids,
        token_type_ids=kinds,
        attention_mask=(ids != 0).long(),
        labels=labels.long() if labels.dtype == torch.int32 else labels,
    ).loss.backward()


if __name__ == "__main__":
    main()
