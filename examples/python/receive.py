"""A webhook receiver that verifies signatures. See README.md."""

import os
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

from mjflow import Mjflow, WebhookRejected, name_of, verify_webhook

client = Mjflow()
secret = ""
seen = set()  # events can come twice with the same id; a real receiver stores the ids in a table
ended = threading.Event()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))  # the raw bytes are signed
        try:
            event = verify_webhook(body, self.headers, secret)
        except WebhookRejected as error:
            print("rejected:", error.detail)
            self.respond(401)
            return
        self.respond(204)  # respond at once; mjflow repeats a delivery without a response
        if event["id"] in seen:
            return
        seen.add(event["id"])
        data = event["data"]
        print(event["type"], name_of(data) if event["type"].startswith("task.") else data["state"])
        if event["type"].startswith("flow."):
            ended.set()

    def respond(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/mjflow"
endpoint = client.create_endpoint(url, events=["flow.completed", "flow.failed"])
secret = endpoint["secret"]  # returned only once

# Anyone who knows the URL can send a request to it; this one is forged.
try:
    urllib.request.urlopen(urllib.request.Request(url, data=b'{"type":"flow.completed"}', method="POST"))
except urllib.error.HTTPError as error:
    print("forged:", error.code)

provider = os.environ.get("MJFLOW_PROVIDER", "simulator")
client.create_flow("a paper boat", provider=provider, state="order 7", then="U1")
is_ended = ended.wait(600)
client.delete_endpoint(endpoint["id"])
raise SystemExit(0 if is_ended else "No event came.")
