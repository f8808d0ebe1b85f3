"""The mjflow API for Python 3.9 or newer: one file, no dependencies. Copy it into your project.

    client = Mjflow()  # MJFLOW_URL and MJFLOW_API_KEY; default: http://127.0.0.1:4600
    for picture in client.run("a paper boat", then="upscale:all"):
        print(picture["url"])

Every method raises only MjflowError. Paid requests have an idempotency key, so a repeated request is paid once.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import random
import re
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

__all__ = ["FlowFailed", "Mjflow", "MjflowError", "WaitTimeout", "WebhookRejected", "verify_webhook"]

ENDED = ("completed", "failed", "canceled")
RETRIED_STATUSES = (429, 502, 503, 504)
UPLOAD_TIMEOUT_S = 300
# Fields of a request that take an image: a text that the API knows, or bytes or a path, which are uploaded first.
IMAGE_FIELDS = ("sourceBase64", "targetBase64", "image", "endImage", "maskBase64")
IMAGE_TYPES = (
    ("image/png", rb"\x89PNG"),
    ("image/jpeg", rb"\xff\xd8\xff"),
    ("image/webp", rb"RIFF.{4}WEBP"),
    ("image/gif", rb"GIF8"),
)
MAX_RETRY_AFTER_S = 60
MAX_PAUSE_S = 20
# Failed reads in a row before `wait` gives up: about a minute and a half.
MAX_FAILURES = 10


class MjflowError(Exception):
    """A failed call. Programs read `code` and `retry`; the message is for people.

    code        a code of the server, such as invalid_request, or unreachable, unexpected_answer, invalid_argument, upload_failed
    retry       "later" if the same call can succeed later, otherwise "never"
    status      HTTP status; None without a response
    field       the invalid field of the request, or None
    problem     the whole problem document of the server
    """

    def __init__(self, code, detail, status=None, retry="never", field=None, problem=None, retry_after_s=None):
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.status = status
        self.retry = retry
        self.field = field
        self.problem = problem or {}
        self.retry_after_s = retry_after_s


class WaitTimeout(MjflowError):
    """The flow has not ended in time. It continues, and `wait` can be called again. `flow` is its last known state."""

    def __init__(self, seconds, flow):
        super().__init__("timeout", f"The flow did not end within {seconds} s. It is still running.", retry="later")
        self.flow = flow


class FlowFailed(MjflowError):
    """The flow or a branch failed. `pictures` was finished before and is paid; `failed` are the failed tasks."""

    def __init__(self, flow, failed):
        reasons = [f"{name_of(task)}: {reason_of(task)}" for task in failed]
        super().__init__("flow_failed", f"The flow {flow['id']} is {flow['status']} ({'; '.join(reasons)}).")
        self.flow = flow
        self.failed = failed
        self.pictures = pictures_of(flow)


class WebhookRejected(MjflowError):
    """The webhook could not be verified. Respond with 401: anyone can send an unsigned request."""

    def __init__(self, detail):
        super().__init__("webhook_rejected", detail)


class Mjflow:
    def __init__(self, base_url=None, api_key=None, max_retries=3, timeout_s=60, sleep=time.sleep):
        url = base_url or os.environ.get("MJFLOW_URL") or "http://127.0.0.1:4600"
        if not re.match(r"https?://[^@?#]+$", url):
            raise MjflowError("invalid_argument", "base_url must be an http(s) URL without credentials and query.")
        self._base_url = url.rstrip("/")
        self._api_key = api_key or os.environ.get("MJFLOW_API_KEY")
        self._max_retries = max_retries
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._opener = urllib.request.build_opener(_NoRedirect)

    # From a prompt to pictures

    def run(self, prompt=None, then=None, timeout_s=None, on_update=None, partial=False, idempotency_key=None, **fields):
        """Creates a flow, waits until it ends and returns its pictures: dicts with `kind`, `url` and `task`.

        They are the results at the ends of the branches of `then`. `fields` are those of POST /v1/flows.
        Raises FlowFailed if the flow or, without `partial`, one of its branches failed.
        """
        flow = self.create_flow(prompt, then=then, idempotency_key=idempotency_key, **fields)
        flow = self.wait(flow["id"], timeout_s=timeout_s, on_update=on_update)
        failed = failed_tasks(flow)
        if flow["status"] != "completed" or (failed and not partial):
            raise FlowFailed(flow, failed)
        return pictures_of(flow)

    # Flows

    def create_flow(self, prompt=None, then=None, idempotency_key=None, **fields):
        """Creates a flow and returns it at once. `then` are names of buttons, or steps with their own `then`.

        Images are links, data URIs, ids of uploads, or bytes and paths, which are uploaded first.
        """
        body = self._with_uploads(_flow_body(prompt, then, fields))
        return self.request("POST", "/v1/flows", body, idempotency_key=idempotency_key or new_key())

    def create_flows(self, inputs, idempotency_key=None, **shared):
        """Creates up to 100 flows with one request, and returns a result for each in `data`.

        Each input is a prompt or a dict of fields. `shared` are fields that all flows have unless they set them. A repeated call
        with the same key returns the same flows, and tries again to create the missing ones.
        """
        batch = [{"prompt": each} if isinstance(each, str) else _flow_body(None, None, each) for each in inputs]
        body = self._with_uploads({**_flow_body(None, None, shared), "batch": batch})
        return self.request("POST", "/v1/flows", body, idempotency_key=idempotency_key or new_key())

    def rerun(self, flow_id, idempotency_key=None, **changes):
        """Creates a new flow from the request of another one, with its images and its plan. None removes a field."""
        body = self._with_uploads(_flow_body(None, None, changes))
        path = f"/v1/flows/{_segment(flow_id)}/rerun"
        return self.request("POST", path, body, idempotency_key=idempotency_key or new_key())

    def get_flow(self, flow_id):
        return self.request("GET", f"/v1/flows/{_segment(flow_id)}")

    def wait(self, flow_id, timeout_s=None, on_update=None):
        """Reads the flow until it has ended, at the times that a deployment hints. A failed flow is no error here."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        flow, failures = None, 0
        while True:
            pause = 1.0
            try:
                flow = self.get_flow(flow_id)
                failures = 0
                if on_update:
                    on_update(flow)
                if flow["status"] in ENDED:
                    return flow
                # A local server costs nothing to read. A deployment says when a read is likely to show something new.
                pause = (flow.get("nextInMs") or 1000) / 1000 if flow.get("follow") == "read" else 1.0
            except MjflowError as error:
                failures += 1
                if error.retry == "never" or failures >= MAX_FAILURES:
                    raise
                pause = max(min(2**failures, MAX_PAUSE_S), error.retry_after_s or 0)
            # A random part, so that many waiting programs do not read at the same time.
            pause *= 1 + random.random() / 10
            if until is not None:
                left = until - time.monotonic()
                if left <= 0:
                    raise WaitTimeout(timeout_s, flow)
                pause = min(pause, left)
            self._sleep(pause)

    def list_flows(self, **query):
        """Yields flows, newest first, over all pages: `list_flows(status="running", since="2026-11-21")`."""
        return self.pages("/v1/flows", **query)

    def cancel_flow(self, flow_id):
        return self.request("POST", f"/v1/flows/{_segment(flow_id)}/cancel")

    def resume_flow(self, flow_id):
        """Undoes a cancellation and retries what failed. Retries are paid."""
        return self.request("POST", f"/v1/flows/{_segment(flow_id)}/resume")

    def delete_flow(self, flow_id):
        """Deletes an ended flow with its tasks, deliveries and images."""
        self.request("DELETE", f"/v1/flows/{_segment(flow_id)}")

    # Pictures, uploads and templates

    def list_pictures(self, video=None, **query):
        """Yields the results of all flows with an image or a video, the newest flows first, over all pages."""
        return self.pages("/v1/pictures", video=None if video is None else str(bool(video)).lower(), **query)

    def upload(self, image, content_type=None):
        """Sends an image of up to 64 MB, given as bytes or as a path. Its `id` can be used as an image for 7 days."""
        data = bytes(image) if isinstance(image, (bytes, bytearray)) else _read(image)
        found = content_type or next((name for name, start in IMAGE_TYPES if re.match(start, data, re.DOTALL)), None)
        if found is None:
            raise MjflowError("invalid_argument", "The image must be a PNG, JPEG, WebP or GIF.", field="image")
        upload = self.request("POST", "/v1/uploads", {"contentType": found, "bytes": len(data)})
        self._repeated(True, lambda: self._put(upload["url"], upload["headers"], data))
        return upload

    def put_template(self, name, then, description=None):
        """Stores a plan under a name, or replaces the stored one. A flow uses it with `template=name`."""
        body = _flow_body(None, then, {} if description is None else {"description": description})
        return self.request("PUT", f"/v1/templates/{_segment(name)}", self._with_uploads(body))

    def get_template(self, name):
        return self.request("GET", f"/v1/templates/{_segment(name)}")

    def list_templates(self):
        return self.pages("/v1/templates")

    def delete_template(self, name):
        self.request("DELETE", f"/v1/templates/{_segment(name)}")

    # Tasks

    def get_task(self, task_id):
        return self.request("GET", f"/v1/tasks/{_segment(task_id)}")

    def press(self, task_id, press, idempotency_key=None, **fields):
        """Presses a button of a finished task and returns the new task. This is paid."""
        body = self._with_uploads({**_flow_body(None, None, fields), "press": press})
        path = f"/v1/tasks/{_segment(task_id)}/actions"
        return self.request("POST", path, body, idempotency_key=idempotency_key or new_key())

    def retry(self, task_id):
        """Retries a failed task. The retry is paid, so it is not repeated: read the flow after `unreachable`."""
        return self.request("POST", f"/v1/tasks/{_segment(task_id)}/retry")

    def modal(self, task_id, prompt=None, mask_base64=None, translate=None, idempotency_key=None):
        """Submits the modal answer of a task with status MODAL."""
        body = {"prompt": prompt, "maskBase64": mask_base64, "translate": translate}
        body = self._with_uploads({name: value for name, value in body.items() if value is not None})
        path = f"/v1/tasks/{_segment(task_id)}/modal"
        return self.request("POST", path, body, idempotency_key=idempotency_key or new_key())

    # Webhook endpoints

    def create_endpoint(self, url, **fields):
        """Creates a webhook endpoint. Only this response has its `secret`."""
        return self.request("POST", "/v1/endpoints", {"url": url, **fields})

    def delete_endpoint(self, endpoint_id):
        self.request("DELETE", f"/v1/endpoints/{_segment(endpoint_id)}")

    # Any other route

    def pages(self, path, **query):
        cursor = None
        while True:
            page = self.request("GET", path, query={**query, "cursor": cursor})
            yield from page["data"]
            if page["nextCursor"] is None:
                return
            cursor = page["nextCursor"]

    def request(self, method, path, body=None, idempotency_key=None, query=None):
        """Calls a route and returns the parsed response; None for 204.

        A request is repeated if that is safe: it only reads, or it has an idempotency key.
        """
        is_safe = method in ("GET", "PUT", "DELETE") or idempotency_key is not None
        return self._repeated(is_safe, lambda: self._send(method, path, body, idempotency_key, query))

    def _repeated(self, is_safe, send):
        for retried in range(self._max_retries + 1):
            try:
                return send()
            except MjflowError as error:
                pause = max(min(8, 0.3 * 2**retried) * (0.5 + random.random() / 2), error.retry_after_s or 0)
                may_pass = (
                    error.code in ("unreachable", "idempotency_in_flight") or error.status in RETRIED_STATUSES
                )
                if not is_safe or not may_pass or retried == self._max_retries or pause > MAX_RETRY_AFTER_S:
                    raise
                self._sleep(pause)

    def _send(self, method, path, body, idempotency_key, query):
        pairs = [(name, value) for name, value in (query or {}).items() if value is not None]
        url = f"{self._base_url}{path}" + (f"?{urllib.parse.urlencode(pairs)}" if pairs else "")
        headers = {"Accept": "application/json", "User-Agent": "mjflow-python/1"}
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            with self._opener.open(request, timeout=self._timeout_s) as response:
                return _parsed(response.status, response.read())
        except urllib.error.HTTPError as error:
            raise _problem(error) from None
        except (OSError, ValueError) as error:
            # The text of the error can contain the headers, so only its kind is kept.
            detail = f"{self._base_url} could not be reached ({type(error).__name__})."
            raise MjflowError("unreachable", detail, retry="later") from None

    def _put(self, url, headers, data):
        """Sends bytes to an address that the server has signed. The API key is not sent there."""
        request = urllib.request.Request(url, data=data, headers=headers, method="PUT")
        try:
            with self._opener.open(request, timeout=UPLOAD_TIMEOUT_S) as response:
                response.read()
        except urllib.error.HTTPError as error:
            detail = f"The image was not accepted by its upload address (HTTP {error.code})."
            retry = "later" if error.code >= 500 else "never"
            raise MjflowError("upload_failed", detail, error.code, retry) from None
        except (OSError, ValueError) as error:
            # The text of the error can contain the signed address.
            detail = f"The upload address could not be reached ({type(error).__name__})."
            raise MjflowError("unreachable", detail, retry="later") from None

    def _with_uploads(self, body):
        """Uploads all files in a request and returns it with their ids. A file that occurs twice is uploaded once."""
        sent = {}

        def id_of(value):
            if not isinstance(value, (bytes, bytearray, os.PathLike)):
                return value
            key = bytes(value) if isinstance(value, (bytes, bytearray)) else os.fspath(value)
            if key not in sent:
                sent[key] = self.upload(value)["id"]
            return sent[key]

        def replaced(name, value):
            if name in IMAGE_FIELDS:
                return id_of(value)
            if isinstance(value, list) and name == "base64Array":
                return [id_of(each) for each in value]
            if isinstance(value, list) and name in ("then", "batch"):
                return [walk(each) for each in value]
            return walk(value) if name == "modal" and value else value

        def walk(node):
            return {name: replaced(name, value) for name, value in node.items()}

        return walk(body)


def verify_webhook(body, headers, secret, tolerance_s=300, now=None):
    """Verifies a webhook (Standard Webhooks 1.0, v1) and returns the event, with its `id`.

    body     the exact bytes as received; a parsed body cannot be verified
    headers  the received headers; names in any case
    secret   whsec_…, or a list of secrets during a rotation
    """
    if not isinstance(body, (bytes, bytearray)):
        raise MjflowError("invalid_argument", "body must be the raw bytes.")
    given = {name.lower(): value for name, value in headers.items()}
    event_id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    signatures = given.get("webhook-signature", "")
    if not (event_id and timestamp and signatures):
        raise WebhookRejected("A webhook- header is missing.")
    # A full stop in the id would make the signature of one message valid for another.
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", event_id) or not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise WebhookRejected("No signature matches any secret.")
    content = f"{event_id}.{timestamp}.".encode() + bytes(body)
    secrets = [secret] if isinstance(secret, str) else list(secret)
    expected = [_signature(each, content) for each in secrets]
    found = [text.partition(",")[2] for text in signatures.split(" ")[:20] if text.startswith("v1,")]
    if not any(hmac.compare_digest(one.encode(), other.encode()) for one in expected for other in found):
        raise WebhookRejected("No signature matches any secret.")
    if abs((time.time() if now is None else now) - int(timestamp)) > tolerance_s:
        raise WebhookRejected(f"The time of the webhook differs by more than {tolerance_s} s.")
    try:
        event = json.loads(bytes(body).decode())
        return {**event, "id": event_id}
    except (ValueError, TypeError):
        raise WebhookRejected("The signature is valid, but the body is not an event.") from None


def pictures_of(flow):
    """The results at the ends of the branches: a grid whose buttons were pressed is not one of them."""
    done = [task for task in flow["tasks"] if task["status"] == "SUCCESS"]
    parents = {task["parentId"] for task in done}
    pictures = []
    for task in done:
        if task["id"] in parents:
            continue
        kind = "video" if task["videos"] else "image"
        urls = [media["url"] for media in task["videos"] or task["images"]]
        if not urls and task["imageUrl"]:
            urls = [task["imageUrl"]]
        # Our own copies do not expire; the vendor's links do.
        copies = {copy["source"]: copy["url"] for copy in task["copies"]}
        pictures += [{"kind": kind, "url": copies.get(url, url), "task": task} for url in urls]
    return pictures


def failed_tasks(flow):
    """The failed tasks that were not retried."""
    retried = {task["retryOf"] for task in flow["tasks"]}
    return [task for task in flow["tasks"] if task["status"] != "SUCCESS" and task["id"] not in retried]


def name_of(task):
    return task["press"] or task["action"].lower()


def reason_of(task):
    failure = task["failure"]
    return f"{failure['code']}, {failure['message']}" if failure else (task["failReason"] or task["status"])


def new_key():
    return str(uuid.uuid4())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could send the key to another server."""

    def redirect_request(self, *_):
        return None


def _flow_body(prompt, then, fields):
    """`then` may be one name, or a list of names and steps; also in `fields`."""
    body = {**fields}
    if prompt is not None:
        body["prompt"] = prompt
    steps = body.get("then") if then is None else then
    if steps is not None:
        body["then"] = _steps(steps)
    return body


def _steps(steps):
    listed = steps if isinstance(steps, list) else [steps]
    return [{"press": step} if isinstance(step, str) else _flow_body(None, None, step) for step in listed]


def _read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, TypeError) as error:
        detail = f"The image must be bytes or the path of a readable file ({type(error).__name__})."
        raise MjflowError("invalid_argument", detail, field="image") from None


def _segment(text):
    if not isinstance(text, str) or text in ("", ".", ".."):
        raise MjflowError("invalid_argument", "The id must be a text that is not empty.", field="id")
    return urllib.parse.quote(text, safe="")


def _parsed(status, data):
    if status == 204:
        return None
    try:
        return json.loads(data)
    except ValueError:
        raise MjflowError("unexpected_answer", "The server's response is not JSON.", status=status) from None


def _problem(error):
    status = error.code
    retry_after = error.headers.get("Retry-After") or ""
    retry_after_s = float(retry_after) if re.fullmatch(r"[0-9]{1,9}", retry_after) else None
    try:
        problem = json.loads(error.read())
        code, detail = problem["code"], problem.get("detail") or problem.get("title")
    except (ValueError, KeyError, TypeError):
        retry = "later" if status >= 500 or status in (408, 429) else "never"
        detail = f"The response is not from mjflow (HTTP {status})."
        return MjflowError("unexpected_answer", detail, status, retry, retry_after_s=retry_after_s)
    return MjflowError(
        code, detail, status, problem.get("retry", "never"), problem.get("field"), problem, retry_after_s
    )


def _signature(secret, content):
    try:
        if not secret.startswith("whsec_"):
            raise ValueError
        key = base64.b64decode(secret[len("whsec_"):], validate=True)
        if not 24 <= len(key) <= 64:
            raise ValueError
    except (ValueError, binascii.Error, AttributeError):
        raise MjflowError("invalid_argument", "A secret must be whsec_ with 24 to 64 bytes in base64.") from None
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
