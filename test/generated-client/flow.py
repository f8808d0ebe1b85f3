"""A flow with a client that openapi-python-client has generated from docs/openapi.json, in the package `generated`."""

import os
import time

from generated import AuthenticatedClient
from generated.api.endpoints import create_endpoint
from generated.api.flows import create_flow, get_flow
from generated.api.tasks import press_button
from generated.models import ActionRequest, EndpointRequest, Flow, FlowRequest, NewEndpoint, PlanInput, Problem

client = AuthenticatedClient(base_url=os.environ["MJFLOW_URL"], token=os.environ["MJFLOW_API_KEY"])


def ended(flow_id: str) -> Flow:
    for _ in range(600):
        flow = get_flow.sync(flow_id, client=client)
        assert isinstance(flow, Flow), flow
        if flow.status != "running":
            return flow
        time.sleep(0.1)
    raise AssertionError(f"{flow_id} has not ended")


request = FlowRequest(provider="simulator", prompt="a paper boat", state="order 7", then=[PlanInput(press="U1")])
flow = create_flow.sync(client=client, body=request, idempotency_key="generated-python")
assert isinstance(flow, Flow), flow

done = ended(flow.id)
assert done.status == "completed" and done.state == "order 7" and len(done.tasks) == 2, done
assert done.ended_at is not None and done.ended_at.tzinfo is not None, done.ended_at
assert done.tasks[1].press == "U1" and done.tasks[1].image_url is not None, done.tasks[1]

press_button.sync(done.tasks[0].id, client=client, body=ActionRequest(press="upscale:2"))
assert len(ended(flow.id).tasks) == 3

endpoint = create_endpoint.sync(client=client, body=EndpointRequest(url="https://example.com/hook"))
assert isinstance(endpoint, NewEndpoint) and endpoint.secret.startswith("whsec_"), endpoint

problem = get_flow.sync("flow_01AAAAAAAAAAAAAAAAAAAAAAAA", client=client)
assert isinstance(problem, Problem) and problem.code == "not_found", problem
print("ok")
