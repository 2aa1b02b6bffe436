from pathlib import Path

import pytest

from tocsin.adapters.store_mounts import network_filesystem

MOUNTS = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:27 / /data rw,relatime - nfs4 10.0.0.2:/export rw,vers=4.2
31 30 254:1 / /data/fast rw - xfs /dev/vdb rw
32 22 0:28 / /with\040space rw shared:9 master:2 - fuse.sshfs me@there:/ rw
33 22 0:29 / /plain rw - ext4 /dev/vdc rw
34 33 0:30 / /plain rw - cifs //there/share rw
35 22 0:31 / /local-fuse rw - fuse.fuse-overlayfs overlay rw
36 22 0:32 / /shared rw - 9p host rw
""".lstrip()


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("/var/lib/tocsin", ""),
        ("/data", "nfs4"),
        ("/data/store", "nfs4"),
        ("/database", ""),
        ("/data/fast/store", ""),
        ("/with space/store", "fuse.sshfs"),
        ("/plain/store", "cifs"),
        ("/local-fuse", ""),
        ("/shared", "9p"),
    ],
)
def test_the_innermost_and_latest_mount_decides(tmp_path: Path, folder: str, found: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert network_filesystem(Path(folder), mounts) == found


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/data")
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert network_filesystem(tmp_path / "link" / "store", mounts) == "nfs4"


def test_without_a_table_of_mounts_nothing_is_refused(tmp_path: Path) -> None:
    assert network_filesystem(tmp_path, tmp_path / "absent") == ""


def test_this_machines_own_table_can_be_read(tmp_path: Path) -> None:
    assert network_filesystem(tmp_path) == ""
