"""Subscribes to a calendar as people do who live in a terminal: vdirsyncer fetches it, khal shows it.

The first argument is the address. Each line of standard input is a question {"from": ..., "to": ...}, two days;
before each answer the calendar is synchronised again. A line of output has the files that vdirsyncer keeps and
what khal lists. (vdirsyncer gives events that it fetches by HTTP ids of its own.)
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAMS = Path(sys.executable).parent
FIELDS = ("start-long-full", "end-long-full", "title", "status")


def run(program, *arguments, **more):
    done = subprocess.run([PROGRAMS / program, *arguments], capture_output=True, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"{program} {' '.join(arguments)}: {done.stdout} {done.stderr}")
    return done.stdout


with tempfile.TemporaryDirectory() as folder:
    home = Path(folder)
    kept = home / "calendar"
    kept.mkdir()
    (home / "vdirsyncer").write_text(f"""
[general]
status_path = "{home}/status"
[pair feed]
a = "kept"
b = "told"
collections = null
conflict_resolution = "b wins"
[storage kept]
type = "filesystem"
path = "{kept}"
fileext = ".ics"
[storage told]
type = "http"
url = "{sys.argv[1]}"
""")
    (home / "khal").write_text(f"""
[calendars]
[[feed]]
path = {kept}
type = calendar
readonly = True
[locale]
local_timezone = UTC
default_timezone = UTC
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
[sqlite]
path = {home}/khal.db
""")
    environment = {**os.environ, "HOME": folder, "XDG_CONFIG_HOME": folder, "XDG_DATA_HOME": folder}
    sync = {"env": environment, "input": "y\n"}
    run("vdirsyncer", "--config", f"{home}/vdirsyncer", "discover", **sync)
    for line in sys.stdin:
        question = json.loads(line)
        run("vdirsyncer", "--config", f"{home}/vdirsyncer", "sync", **sync)
        fields = [argument for field in FIELDS for argument in ("--json", field)]
        listed = run(
            "khal", "--config", f"{home}/khal", "list", "--once", *fields, question["from"], question["to"],
            env=environment,
        )
        # One list for each day on which something begins.
        events = [event for day in listed.splitlines() for event in json.loads(day)]
        print(json.dumps({"files": len(list(kept.iterdir())), "events": events}), flush=True)
