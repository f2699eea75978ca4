"""A disk that several machines share: what one has written, another may see some time later."""

import time
from pathlib import Path

NFS_SECONDS = 60.0  # as long as NFS, by default, keeps what it knows of a folder
POLL_SECONDS = 0.1


def appears(file: Path, seconds: float = NFS_SECONDS) -> bool:
    """Waits until a file that another machine has written is there; False if it does not come."""
    end = time.monotonic() + seconds
    while file not in file.parent.iterdir():  # a listing is asked of the server, a lookup that failed is not
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True
