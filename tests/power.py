"""The disk whose power can go (tests/disk) around a server or any other program."""

import os
import pathlib
import shutil

import pytest

from server import ROOT

LIBRARY = pathlib.Path(os.environ.get("BUILD_DIR", ROOT / "build")) / "tests/disk/libdisk.so"


def need_disk():
    if not LIBRARY.exists():
        pytest.skip(f"there is no {LIBRARY}: the build is without tests")
    if "build-tsan" in str(LIBRARY) or "build-asan" in str(LIBRARY):
        pytest.skip("a preloaded library does not go with a sanitizer")


class Disk:
    """Settings of the disk for programs that keep their files below `root`."""

    def __init__(self, root):
        need_disk()
        self.root = pathlib.Path(root)
        self.root.mkdir(parents=True, exist_ok=True)
        self.hidden = self.root.with_name(self.root.name + ".hidden")
        self.clock = self.root.with_name(self.root.name + ".clock")
        self.free = self.root.with_name(self.root.name + ".free")
        self.trace = self.root.with_name(self.root.name + ".trace")

    def environment(self, cut=None, fail=None, lie=None, sync_ms=0, seed=1, traced=False):
        """For one run of a program. `cut`: "PATTERN:N:before|after"; `fail`: "PATTERN:N"."""
        shutil.rmtree(self.hidden, ignore_errors=True)
        self.hidden.mkdir()
        found = {"LD_PRELOAD": str(LIBRARY), "DISK_ROOT": str(self.root),
                 "DISK_HIDDEN": str(self.hidden), "DISK_SYNC_MS": str(sync_ms),
                 "DISK_SEED": str(seed), "DISK_CLOCK": str(self.clock),
                 "DISK_FREE": str(self.free)}
        if cut:
            found["DISK_CUT"] = cut
        if fail:
            found["DISK_FAIL"] = fail
        if lie:
            found["DISK_LIE"] = lie
        if traced:
            found["DISK_TRACE"] = str(self.trace)
        return found

    def turn_clock(self, seconds):
        """The wall clock of the program is so far ahead from now on."""
        self.clock.write_text(str(seconds))

    def leave(self, size=None, pattern="*"):
        """So many bytes are free from now on (None: as many as there really are). At 0, writes to
        files that match fail."""
        if size is None:
            self.free.unlink(missing_ok=True)
        else:
            fresh = self.free.with_suffix(".fresh")
            fresh.write_text(f"{size} {pattern}\n")
            os.replace(fresh, self.free)
