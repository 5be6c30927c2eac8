"""What this service promises beside its schemas, and which requests are no test of them."""

import schemathesis
from schemathesis import GenerationMode


@schemathesis.hook
def before_call(context, case, kwargs):
    """Takes out of good requests what was made up and cannot be good."""
    if not case.meta or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    # Only a list itself makes its cursors.
    if case.query:
        case.query.pop("cursor", None)
    # An empty one is sent for want of a better, against the pattern.
    if case.headers and case.headers.get("If-Match") == "":
        case.headers.pop("If-Match")


@schemathesis.check
def a_problem_says_what_its_status_says(ctx, response, case):
    if response.status_code < 400:
        return
    problem = response.json()
    assert problem["status"] == response.status_code, problem
    assert problem["trace_id"] == response.headers["x-trace-id"][0], problem


@schemathesis.check
def only_the_legacy_service_is_unavailable(ctx, response, case):
    if response.status_code == 503:
        problem = response.json()
        assert problem["type"] == "/problems/legacy-unavailable", problem
