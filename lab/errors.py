"""The lab's errors: each is one sentence that a person at a terminal can act on.

LabError                  something the lab needs is missing or did not work
├── ChildError            a process that the lab started ended early or never became ready
└── KubectlError          kubectl refused; carries its stderr
"""


class LabError(Exception):
    """Something the lab needs is missing or did not work; the text says what to do about it."""


class ChildError(LabError):
    """A started process ended early or never became ready; the text ends with its log's tail."""


class KubectlError(LabError):
    """A kubectl command failed; `stderr` is what it said, for a refusal the server's own text."""

    def __init__(self, arguments: tuple[str, ...], stderr: str) -> None:
        super().__init__(f"kubectl {' '.join(arguments)}: {stderr.strip()}")
        self.stderr = stderr
