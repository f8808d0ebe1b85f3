"""A prompt, its pictures, and one more button. See README.md."""

import os

from mjflow import FlowFailed, Mjflow, name_of

client = Mjflow()  # MJFLOW_URL and MJFLOW_API_KEY
provider = os.environ.get("MJFLOW_PROVIDER", "simulator")

try:
    pictures = client.run(
        "a paper boat on calm water",
        provider=provider,
        then=["U1", {"press": "U2", "then": [{"press": "zoom:2"}]}],
        timeout_s=600,
    )
except FlowFailed as error:
    raise SystemExit(error.detail) from None

for picture in pictures:
    print(name_of(picture["task"]), picture["url"])

# The buttons of each task can be pressed later, also by another process.
pressed = client.press(pictures[0]["task"]["id"], "zoom:1.5")
flow = client.wait(pressed["flowId"], timeout_s=600)
print(flow["status"], len(flow["tasks"]), "tasks")

for found in client.list_flows(limit=5):
    print(found["status"], found["prompt"])
    break
