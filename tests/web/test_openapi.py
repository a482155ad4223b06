"""The API conforms to its OpenAPI document: every response is documented, and none is an internal error."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.web.sites import SITE

API = schemathesis.openapi.from_asgi("/api/openapi.json", SITE.app)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@API.parametrize()
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.filterwarnings("default")
def test_every_response_is_documented(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(checks=CHECKS)


def test_the_document_has_units_examples_and_problems() -> None:
    document = SITE.get("/api/openapi.json").json()
    get = document["paths"]["/api/estimate"]["get"]
    assert {"minutes", "turns", "conversations", "sensitivity"} <= {parameter["name"] for parameter in get["parameters"]}
    assert all(parameter["description"] for parameter in get["parameters"])
    assert {"200", "422", "503"} <= set(get["responses"])
    assert "application/problem+json" in get["responses"]["422"]["content"]
    post = document["paths"]["/api/estimate"]["post"]
    example = post["requestBody"]["content"]["application/json"]["example"]
    assert SITE.post("/api/estimate", json=example).status_code == 200
    script = document["paths"]["/api/simulate"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert SITE.post("/api/simulate", json=script).status_code == 200
    assert "dollars" in document["components"]["schemas"]["ScenariosJson"]["properties"]["best"]["description"]
