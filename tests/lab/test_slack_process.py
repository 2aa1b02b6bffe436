"""`python -m lab.slack`: the stand-in as a process of its own."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from lab.slack.journal import read_journal
from lab.slack.workspace import load_workspace

ROOT = Path(__file__).parents[2]


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lab.slack", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_serves_and_ends_on_a_signal(
    tmp_path: Path, number: signal.Signals
) -> None:
    journal, ready = tmp_path / "journal", tmp_path / "ready"
    with start("--journal", str(journal), "--ready-file", str(ready), "--no-limits") as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        request = urllib.request.Request(
            f"{url}/api/auth.test", headers={"Authorization": "Bearer xoxb-lab-acme-full"}
        )
        with urllib.request.urlopen(request) as response:
            assert json.load(response)["team"] == "Acme"
        with urllib.request.urlopen(f"{url}/_lab/limits") as response:
            assert json.load(response)["enabled"] is False
        assert ready.read_text().strip() == url
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
    assert url.startswith("http://127.0.0.1:")
    assert [entry.method for entry in read_journal(journal)] == ["auth.test"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("ready.")] == []


def test_a_workspace_that_cannot_be_used_ends_it_with_a_sentence(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace.json"
    workspace.write_text('{"teams": [], "users": [{"id": "U1", "team": "T1", "name": "x"}]}')
    with start("--journal", str(tmp_path / "j"), "--workspace", str(workspace)) as process:
        _, complaint = process.communicate(timeout=10)
    assert process.returncode == 2
    assert complaint == (
        "lab.slack: workspace.json: a user belongs to team 'T1', which is not listed\n"
    )


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "Input data was truncated"),
        ('{"teams": [{"id": "T1"}]}', "missing required field `name`"),
        ('{"colour": 1}', "unknown field `colour`"),
        (
            '{"teams": [{"id": "T1", "name": "x"}], "webhooks": '
            '[{"id": "B1", "team": "T1", "secret": "s", "channel": "general"}]}',
            "webhook 'B1' posts to 'general', no listed channel's ID",
        ),
    ],
)
def test_a_workspace_file_says_what_is_wrong_in_it(
    tmp_path: Path, content: str, complaint: str
) -> None:
    path = tmp_path / "workspace.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=f"workspace.json: .*{complaint}"):
        load_workspace(path)
