"""Which file systems are a network's: SQLite's write-ahead log needs memory shared by processes.

In: a folder, and the kernel's table of mounts. Out: the type of the file system if it is one of
those. Used by `store_sqlite`.
"""

import re
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")

_NETWORK: Final = re.compile(
    r"nfs4?|cifs|smb3|smbfs|ncpfs|9p|afs|ceph|coda|glusterfs|lustre|gpfs|beegfs|orangefs|pvfs2|davfs"
    r"|fuse\.(sshfs|glusterfs|ceph.*|s3fs|gcsfuse|rclone|juicefs.*|JuiceFS.*|mount-?s3|mountpoint-s3"
    r"|goofys|blobfuse2?|davfs2?|curlftpfs|seaweedfs|mfs|moosefs|lizardfs|smbnetfs|beegfs.*|alluxio.*)"
)
_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


def network_filesystem(folder: Path, mounts: Path = MOUNTS) -> str:
    """Return the type of the network file system that a folder is on; empty if it is on none.

    Where the kernel has no such table, nothing is known and nothing is refused. The format is
    described in proc(5): fields by spaces, the mount point the fifth, its type after ` - `.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    found, depth = "", -1
    resolved = folder.resolve()
    for line in lines:
        place, _, filesystem = line.partition(" - ")
        point = Path(_ESCAPE.sub(lambda code: chr(int(code[1], 8)), place.split(" ")[4]))
        # Of two mounts at one point the later hides the earlier.
        if resolved.is_relative_to(point) and len(point.parts) >= depth:
            found, depth = filesystem.split(" ")[0], len(point.parts)
    return found if _NETWORK.fullmatch(found) else ""
