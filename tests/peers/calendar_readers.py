"""Reads a calendar as icalendar and recurring-ical-events do.

Each line of standard input is a question {"url": ..., "from": ..., "to": ...}; each line of output is what was
found: the properties of the calendar, every event, and the events that occur in the range.
"""

import json
import re
import sys
import urllib.request
from datetime import datetime

import icalendar
import recurring_ical_events


def show(event):
    return {
        "uid": str(event["UID"]),
        "start": event["DTSTART"].dt.isoformat(),
        "end": event["DTEND"].dt.isoformat(),
        "title": str(event["SUMMARY"]),
        "status": str(event["STATUS"]),
        "transparency": str(event["TRANSP"]),
        "sequence": int(event["SEQUENCE"]),
        "modified": event["LAST-MODIFIED"].dt.isoformat(),
        "stamp": event["DTSTAMP"].dt.isoformat(),
    }


for line in sys.stdin:
    question = json.loads(line)
    with urllib.request.urlopen(question["url"]) as answer:
        kind, body = answer.headers["content-type"], answer.read()
    calendar = icalendar.Calendar.from_ical(body)
    # What is wrong with a property is not raised, but noted.
    errors = [f"{part.name}: {error}" for part in calendar.walk() for error in part.errors]
    start, end = (datetime.fromisoformat(question[key]) for key in ("from", "to"))
    occurring = recurring_ical_events.of(calendar).between(start, end)
    found = {
        "kind": kind,
        "errors": errors,
        "lines": [len(line) for line in body.split(b"\r\n")],
        "round": calendar.to_ical() == icalendar.Calendar.from_ical(calendar.to_ical()).to_ical(),
        # icalendar does not know this property, so it stays escaped.
        "name": re.sub(r"\\(.)", r"\1", str(calendar["NAME"])),
        "refresh": calendar["REFRESH-INTERVAL"].dt.total_seconds(),
        "parts": sorted({part.name for part in calendar.walk()}),
        "events": [show(event) for event in calendar.walk("VEVENT")],
        "occurring": sorted((show(event) for event in occurring), key=lambda event: (event["start"], event["uid"])),
    }
    print(json.dumps(found), flush=True)
