"""Locates the file of the history, and detects network file systems."""

from __future__ import annotations

import os
import re
from pathlib import Path

from latency_tui.catalog.folders import data_folder

FILE_NAME = "history.sqlite3"

NETWORK = re.compile(
    r"9p|acfs|afs|beegfs|ceph|cifs|davfs|fuse\.(glusterfs|rclone|s3fs|sshfs)|glusterfs|gpfs|lustre|ncpfs|nfs4?|orangefs"
    r"|pvfs2|smb2|smb3|smbfs|vboxsf|virtiofs|webdav"
)
"""Types of network file systems. The WAL mode of SQLite needs shared memory, which does not work on them."""


def default_path() -> Path | None:
    """Return the path of the user's history; None if the user has no home folder."""
    folder = data_folder()
    return None if folder is None else folder / FILE_NAME


def is_on_network(path: Path) -> bool:
    """Return whether the folder of a file is on a network file system; False if the system does not report it."""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    folder, kind, longest = os.path.realpath(path.parent), "", -1
    for line in lines:
        _, place, found, *_ = (*line.split(" "), "", "", "")
        place = place.replace("\\040", " ")
        inside = place == "/" or folder == place or folder.startswith(f"{place}/")
        if inside and len(place) >= longest:  # a later mount hides an earlier one
            kind, longest = found, len(place)
    return NETWORK.fullmatch(kind) is not None
