"""The API conforms to its OpenAPI document: every response is documented, and none is an internal error."""

import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from pydantic import ValidationError
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.pytest.lazy import get_all_tests
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.web.sites import SITE, read_report
from voicebill.answers.reports.estimate import EstimateReport

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SLOW_OR_ALIKE = "compare|cost|explain|fit|replay|POST /api/capacity|GET /api/estimate"
"""Operations of long tests: those that compare offers or read a log, and those that take the inputs of a quick one.

Of an estimate the body stands for the query, and of a capacity the query for the body.
"""


FEW = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def api() -> BaseSchema:
    """The API by its OpenAPI document."""
    return schemathesis.openapi.from_asgi("/api/openapi.json", SITE.app)


def validate_response(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(checks=CHECKS)


def validate_responses(api: BaseSchema, subtests: pytest.Subtests) -> int:
    """Validate the responses of all operations of an API; returns how many there are.

    Their tests are made here, not by `parametrize`, because they invent a case for every rule of the document: every worker
    would do so, for seconds, while it collects.
    """
    results = list(get_all_tests(schema=api, test_func=validate_response, settings=FEW, given_kwargs=None))
    for result in results:
        assert isinstance(result, Ok), result
        operation, test = result.ok()
        with subtests.test(operation.label):
            test()
    return len(results)


@pytest.mark.filterwarnings("default")
def test_every_response_is_documented(api: BaseSchema, subtests: pytest.Subtests) -> None:
    assert validate_responses(api.exclude(name_regex=SLOW_OR_ALIKE), subtests) == 10


@pytest.mark.long
@pytest.mark.filterwarnings("default")
def test_every_response_of_the_other_operations_is_documented(api: BaseSchema, subtests: pytest.Subtests) -> None:
    assert validate_responses(api.include(name_regex=SLOW_OR_ALIKE), subtests) == 8


def test_the_document_has_units_examples_and_problems() -> None:
    document = SITE.get("/api/openapi.json").json()
    get = document["paths"]["/api/estimate"]["get"]
    assert {"minutes", "turns", "conversations", "sensitivity"} <= {parameter["name"] for parameter in get["parameters"]}
    assert all(parameter["description"] for parameter in get["parameters"])
    assert {"200", "422", "503"} <= set(get["responses"])
    assert "application/problem+json" in get["responses"]["422"]["content"]
    post = document["paths"]["/api/estimate"]["post"]
    body = post["requestBody"]["content"]["application/json"]
    assert body["schema"]["properties"]["sensitivity"]["type"] == "boolean"
    example = body["example"]
    assert SITE.post("/api/estimate", json=example).status_code == 200
    script = document["paths"]["/api/simulate"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert SITE.post("/api/simulate", json=script).status_code == 200
    assert "dollars" in document["components"]["schemas"]["ScenariosReport"]["properties"]["best"]["description"].lower()


def test_every_component_is_a_report_and_every_field_is_described() -> None:
    """The descriptions are the docstrings of the reports; no component is renamed because of an equal name."""
    schemas = SITE.get("/api/openapi.json").json()["components"]["schemas"]
    assert {"EstimateReport", "SimulationReport", "ComparisonReport", "CapacityReport", "PtuReport", "CostReport"} <= set(
        schemas
    )
    assert all(name == "Problem" or re.fullmatch(r"[A-Z][A-Za-z]+Report", name) for name in schemas)
    for name, schema in schemas.items():
        assert schema["description"], name
        assert schema["additionalProperties"] is False, name
        undescribed = {field: details for field, details in schema["properties"].items() if not details.get("description")}
        assert all(list(details) == ["$ref"] for details in undescribed.values()), name  # described as what it refers to
    optional = {field for schema in schemas.values() for field in set(schema["properties"]) - set(schema["required"])}
    assert optional == {
        *("sensitivity", "recommendations", "cheapest_truncation", "conversations", "regions"),
        *("pipelines", "calculator", "against"),
    }
    amount = schemas["ScenariosReport"]["properties"]["expected"]
    assert (amount["pattern"], amount["examples"]) == (r"^-?\d+(\.\d+)?$", ["0.8372544"])


def test_a_report_that_lacks_a_field_or_has_another_one_does_not_fit() -> None:
    document = SITE.get("/api/estimate?minutes=10&turns=20").json()
    assert read_report(EstimateReport, document).per_conversation.expected == document["per_conversation"]["expected"]
    for changed in (
        document | {"colour": "red"},
        {key: value for key, value in document.items() if key != "plan"},
        document | {"per_minute": {"best": "$1", "expected": "1", "worst": "1"}},
    ):
        with pytest.raises(ValidationError):
            read_report(EstimateReport, changed)
