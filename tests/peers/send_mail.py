"""A mail client: sends what it is told in lines of JSON on standard input, and says what became of it.

Each line is an object with `port`, `sender`, `to` (a list) and `subject`, and may have `author` (the header From, the
sender if left out), `text`, `html`, `headers` and `attach` (the name of a file). The answer has the codes with which
each refused recipient, or the mail, was refused. It ends when its standard input does.
"""

import json
import smtplib
import sys
from email.message import EmailMessage


def compose(told):
    mail = EmailMessage()
    mail["From"] = told.get("author", told["sender"])
    mail["To"] = ", ".join(told["to"])
    mail["Subject"] = told["subject"]
    for name, value in told.get("headers", {}).items():
        mail[name] = value
    mail.set_content(told.get("text", "words\n"))
    if "html" in told:
        mail.add_alternative(told["html"], subtype="html")
    if "attach" in told:
        mail.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename=told["attach"])
    return mail


def send(told):
    with smtplib.SMTP("127.0.0.1", told["port"], timeout=30) as server:
        try:
            refused = server.send_message(compose(told), told["sender"], told["to"])
            return {"taken": True, "refused": {to: code for to, (code, _) in refused.items()}}
        except smtplib.SMTPRecipientsRefused as error:
            return {"taken": False, "refused": {to: code for to, (code, _) in error.recipients.items()}}
        except smtplib.SMTPResponseException as error:
            return {"taken": False, "code": error.smtp_code, "words": error.smtp_error.decode()}


for line in sys.stdin:
    print(json.dumps(send(json.loads(line))), flush=True)
