"""Becomes the command it is given, arranged to die with the process that started it.

`lab.process` runs this file as a program of its own instead of using a `preexec_fn`, which is not
safe where the starting process has threads. Arguments: the starter's pid, the name of the user to
become, the CPU to run on (both may be empty: no change), then the command. It replaces itself by
the command, so the pid stays.

Imports are few and standard: it runs with `-I -S`, before every server the lab starts.
"""

import ctypes
import os
import pwd
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)


def main(arguments: list[str]) -> None:
    """Changes CPU and user, ties this process to its parent's life, and executes the command."""
    starter_pid, user, core, *command = arguments
    libc = ctypes.CDLL(None, use_errno=True)
    if core:
        os.sched_setaffinity(0, {int(core)})
    if user:
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    # After the change of user, which clears it; it survives execve.
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        sys.exit(f"prctl(PR_SET_PDEATHSIG) failed: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != int(starter_pid):  # it died before the line above took effect
        sys.exit("the process that started this one has ended")
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
