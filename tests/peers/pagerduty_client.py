"""PagerDuty's own client for its Events API: calls what it is told in lines of JSON on standard input.

Its command line has the base address of the API. Each line is an object with `key` (the routing key), `call` (a method of
the client) and `arguments`. The answer has what the call `returned`, or the error that it `raised` with what it `said` and the
`status` that led to it. What the client logs meanwhile comes before it, in lines with `logged`. It ends when its standard
input does.
"""

import json
import logging
import sys

import pagerduty


class Tell(logging.Handler):
    def emit(self, record):
        say(logged=record.getMessage())


def say(**what):
    print(json.dumps(what), flush=True)


log = logging.getLogger("pagerduty")
log.addHandler(Tell())
log.setLevel(logging.DEBUG)

for line in sys.stdin:
    told = json.loads(line)
    client = pagerduty.EventsApiV2Client(told["key"], base_url=sys.argv[1])
    try:
        say(returned=getattr(client, told["call"])(**told["arguments"]))
    except pagerduty.HttpError as error:
        say(raised=type(error).__name__, said=str(error), status=error.response.status_code)
