"""Takes attempts over a webhook, signed ones only: `WEBHOOK_SECRET=... python docs/examples/webhook.py 8000`."""

import json
import os
import sqlite3
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer

from lms import TABLES, is_genuine, take


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 once an event is kept, so that everything else is sent again."""

    database = sqlite3.connect("lms.sqlite")

    def do_POST(self) -> None:
        """Check the signature over the body as it came, keep the attempt, answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            genuine = is_genuine(os.environ["WEBHOOK_SECRET"], headers, body)
        except (KeyError, ValueError):  # without these headers, or with others in them
            genuine = False
        if not genuine:
            self.send_error(HTTPStatus.UNAUTHORIZED)
            return
        event = json.loads(body)
        if event["type"].startswith("Attempt"):
            take(self.database, event["timestamp"], event["data"]["attempt"])
        self.send_response(HTTPStatus.NO_CONTENT)
        self.end_headers()


if __name__ == "__main__":
    Receiver.database.executescript(TABLES)
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
