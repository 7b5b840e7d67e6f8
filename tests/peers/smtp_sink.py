"""A mail server that keeps what it is sent, in lines of JSON on standard output.

The first line says where it listens. Mail to an address that begins with `grey` is put off once, and mail
to one that begins with `bounce` is refused. It ends when its standard input does.
"""

import asyncio
import email
import email.policy
import json
import sys

from aiosmtpd.smtp import SMTP


class Sink:
    def __init__(self):
        self.put_off = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("bounce"):
            say(refused=address)
            return "550 5.1.1 nobody has this address"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        # After the message was seen, unlike most greylisting, so that the two attempts can be compared.
        later = {address for address in envelope.rcpt_tos if address.startswith("grey")} - self.put_off
        self.put_off |= later
        text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
        say(
            sender=envelope.mail_from,
            to=envelope.rcpt_tos,
            headers=[[name.lower(), str(value)] for name, value in message.items()],
            parts=[part.get_content_type() for part in message.walk()],
            text=text and text.get_content(),
            html=html and html.get_content(),
            defects=[repr(defect) for part in message.walk() for defect in part.defects],
            taken=not later,
        )
        return "451 4.7.1 greylisted, come back" if later else "250 queued"


def say(**what):
    print(json.dumps(what), flush=True)


async def main():
    sink = Sink()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(sink, enable_SMTPUTF8=True), "127.0.0.1", 0)
    say(port=server.sockets[0].getsockname()[1])
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
