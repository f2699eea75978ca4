"""What a cluster gives one job: cores, memory, accelerators, time."""

import re
from dataclasses import dataclass

from centrabert.errors import UserError

MEMORY = re.compile(r"[1-9][0-9]*[MG]")
TIME = re.compile(r"(?:(?P<days>\d{1,3})-)?(?P<hours>\d{1,3}):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d)")


@dataclass(frozen=True)
class Resources:
    """Of one job, which runs on one node.

    Attributes:
      memory: "8G" or "900M", of 1024^3 and 1024^2 bytes.
      time: "HH:MM:SS" or "D-HH:MM:SS", after which a job is stopped; "" leaves it to the cluster.
    """

    cpus: int
    memory: str
    gpus: int = 0
    time: str = ""

    def __post_init__(self) -> None:
        if self.cpus < 1:
            raise UserError(f"--cpus={self.cpus} is below 1")
        if self.gpus < 0:
            raise UserError(f"--gpus={self.gpus} is below 0")
        if not MEMORY.fullmatch(self.memory):
            raise UserError(f"--memory={self.memory} is not of the form 8G or 900M")
        if self.time and self.seconds == 0:
            raise UserError(f"--time={self.time} leaves no time; without --time the cluster decides")

    @property
    def seconds(self) -> int:
        """`time` in seconds, 0 for "".

        Raises:
          UserError: It is not of either form.
        """
        if not self.time:
            return 0
        found = TIME.fullmatch(self.time)
        if not found or (found["days"] and int(found["hours"]) > 23):
            raise UserError(f"--time={self.time} is not of the form 12:00:00 or 1-12:00:00")
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
