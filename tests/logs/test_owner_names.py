"""Every format takes tenant, session and project from the same names, wherever a log has them."""

import json
from typing import Any

import pytest

from tests.logs.reading import read_record, read_records
from voicebill.answers.parameters.kinds import read_column_names
from voicebill.billing.errors import VoicebillError
from voicebill.billing.record import Record
from voicebill.logs.defaults import LogDefaults
from voicebill.logs.formats.realtime import OWNER_WORDS
from voicebill.logs.owner_names import OWNER_NAMES, PROJECT_HEADERS, owners_in, owners_of_document

RESPONSE = {
    "id": "resp_1",
    "conversation_id": "conv_1",
    "status": "completed",
    "usage": {"input_tokens": 10, "output_tokens": 0, "input_token_details": {"text_tokens": 10}},
}
DONE = {"type": "response.done", "event_id": "event_1", "response": RESPONSE}
SPAN: dict[str, Any] = {
    "traceId": "0a",
    "spanId": "0b",
    "attributes": {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 0, "gen_ai.request.model": "gpt-realtime"},
}
CALL = {"request_id": "r1", "call_type": "acompletion", "custom_llm_provider": "openai", "prompt_tokens": 10}
OBSERVATION = {"id": "o1", "type": "GENERATION", "startTime": "2026-11-22T10:00:00Z", "usageDetails": {"input": 10}}
LIVEKIT = {"type": "realtime_model_metrics", "request_id": "r1", "input_tokens": 10, "output_tokens": 0, "total_tokens": 10}


def owners_of(record: Record) -> tuple[str | None, str | None, str | None]:
    return record.tenant, record.session, record.project


def read_json(*documents: object, **columns: str) -> Record:
    return read_record("\n".join(map(json.dumps, documents)), defaults=LogDefaults(column=columns))


def otlp(attributes: dict[str, Any], resource: dict[str, Any], scope: dict[str, Any]) -> object:
    """Return a document of OTLP with one span."""
    lists = [
        [{"key": key, "value": {"stringValue": value}} for key, value in pairs.items()]
        for pairs in (attributes, resource, scope)
    ]
    usage = [
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "10"}},
        {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "0"}},
    ]
    span = {"traceId": "0a", "spanId": "0b", "attributes": [*usage, *lists[0]]}
    return {
        "resourceSpans": [
            {"resource": {"attributes": lists[1]}, "scopeSpans": [{"scope": {"attributes": lists[2]}, "spans": [span]}]}
        ]
    }


@pytest.mark.parametrize(
    "document",
    [
        {"tenantId": "acme", "session-id": "s1", "project.id": "p1", "event": DONE},
        {"data": {"customer_id": "acme", "call_id": "s1", "projectName": "p1", "payload": json.dumps(DONE)}},
        DONE | {"tenant": "acme", "conversationId": "s1", "project": "p1"},
        {"metadata": {"tenant": "acme", "sessionId": "s1", "project": "p1"}, "event": DONE},
        {"headers": {"X-Tenant-ID": "acme", "x-session-id": "s1", "OpenAI-Project": "p1"}, "event": DONE},
        {"user": {"id": "acme"}, "session_id": "s1", "project": {"id": "p1"}, "event": DONE},
        {"session_id": "s1", "event": DONE | {"response": RESPONSE | {"metadata": {"tenant_id": "acme", "project": "p1"}}}},
        SPAN | {"attributes": SPAN["attributes"] | {"tenant.id": "acme", "session.id": "s1", "project.id": "p1"}},
        SPAN
        | {
            "attributes": SPAN["attributes"]
            | {"langfuse.user.id": "acme", "gen_ai.conversation.id": "s1", "langfuse.trace.metadata.project": "p1"}
        },
        SPAN
        | {
            "attributes": SPAN["attributes"] | {"traceloop.association.properties.tenant_id": "acme"},
            "resource": {"attributes": {"session.id": "s1", "openinference.project.name": "p1"}},
        },
        otlp({"enduser.id": "acme"}, {"openinference.project.name": "p1"}, {"session.id": "s1"}),
        otlp({"session.id": "s1", "metadata": '{"customer_id": "acme"}'}, {"project.id": "p1"}, {}),
        CALL | {"metadata": {"user_api_key_team_id": "acme", "user_api_key_project_id": "p1"}, "session_id": "s1"},
        CALL | {"metadata": json.dumps({"user_api_key_end_user_id": "acme", "project_id": "p1"}), "session_id": "s1"},
        {"data": [CALL | {"end_user": "acme", "session_id": "s1", "metadata": {"requester_metadata": {"project": "p1"}}}]},
        OBSERVATION | {"userId": "acme", "sessionId": "s1", "projectId": "p1"},
        {"userId": "acme", "sessionId": "s1", "projectId": "p1", "observations": [OBSERVATION | {"traceId": "t1"}]},
        OBSERVATION | {"metadata": {"attributes": {"tenant.id": "acme", "session.id": "s1"}, "project": "p1"}},
        LIVEKIT | {"metadata": {"tenant": "acme", "project": "p1"}, "session_id": "s1"},
        {"log": json.dumps(LIVEKIT), "time": "2026-11-22T10:00:00Z", "tenant": "acme", "sessionId": "s1", "project": "p1"},
        {
            "text": "usage",
            "record": {
                "message": json.dumps(OBSERVATION),
                "extra": {"tenant": "acme", "session": "s1", "project": "p1"},
                "time": {"timestamp": 1795600000},
            },
        },
    ],
    ids=str,
)
def test_owners_are_read_under_their_usual_names(document: object) -> None:
    assert owners_of(read_json(document)) == ("acme", "s1", "p1")


@pytest.mark.parametrize(
    "columns", ["tenant,session,project", "Customer ID,call.id,projectName", "team_id,gen_ai.conversation.id,project-id"]
)
def test_columns_have_the_same_names(columns: str) -> None:
    assert owners_of(read_record(f"{columns},text_in\nacme,s1,p1,10\n")) == ("acme", "s1", "p1")


def test_a_row_of_many_has_its_own_owners_and_those_around_it() -> None:
    rows = [OBSERVATION | {"id": f"o{number}", "userId": f"u{number}"} for number in range(3)]
    records, _ = read_records(json.dumps({"data": rows, "meta": {"page": 1}, "projectId": "p1"}))
    assert [owners_of(record) for record in records] == [(f"u{number}", None, "p1") for number in range(3)]
    calls = [CALL | {"request_id": f"r{number}", "team_id": f"t{number}"} for number in range(3)]
    records, _ = read_records(json.dumps({"data": calls}))
    assert [record.tenant for record in records] == ["t0", "t1", "t2"]


def test_a_session_s_own_events_name_the_owners_of_its_responses() -> None:
    """A response's own metadata takes precedence; another session has none of them."""
    created = {
        "type": "session.created",
        "session": {"id": "sess_1", "model": "gpt-realtime", "tracing": {"metadata": {"tenant": "acme", "project": "p1"}}},
    }
    own = RESPONSE | {"id": "resp_2", "metadata": {"tenant": "globex"}}
    records, _ = read_records(
        "\n".join(
            map(
                json.dumps,
                [
                    created,
                    DONE,
                    DONE | {"response": own},
                    {"session_id": "other", "event": DONE | {"response": RESPONSE | {"id": "resp_3"}}},
                ],
            )
        )
    )
    assert {record.key: owners_of(record) for record in records} == {
        "resp_1": ("acme", "sess_1", "p1"),
        "resp_2": ("globex", "sess_1", "p1"),
        "resp_3": (None, "other", None),
    }


@pytest.mark.parametrize("field", OWNER_NAMES)
def test_the_first_name_of_the_table_that_occurs_is_taken(field: str) -> None:
    names = OWNER_NAMES[field]
    for position, name in enumerate(names):
        values = {other: f"v{rank}" for rank, other in enumerate(names) if rank >= position}
        assert owners_in([dict(reversed(values.items()))], {}).value(field) == f"v{position}", name


def test_the_conversation_names_no_owner() -> None:
    """What is said, called or returned may have the same names, and a text with spaces under `user` is speech."""
    document = {
        "user": "my tenant is acme",
        "response": {"tenant": "no", "output": [{"arguments": '{"tenant": "no"}', "call_id": "call_7", "tenant": "no"}]},
        "item": {"tenant": "no"},
        "messages": [{"tenant": "no"}],
        "tenant": True,
        "team": None,
        "customer": "two\nlines",
    }
    owners = owners_of_document(json.dumps(document).encode(), (), {})
    assert (owners.own, owners.usual) == ({}, {})


def test_a_name_of_one_s_own_precedes_the_usual_names() -> None:
    """In every object of a document, as a path too; what it does not name is taken from the usual names."""
    document = {"tenant": "usual", "session_id": "s1", "cost": {"centre": {"id": 12}}, "app.workspace": "w1", "event": DONE}
    assert owners_of(read_json(document, tenant="cost.centre.id", project="app.workspace")) == ("12", "s1", "w1")
    assert owners_of(read_json(document, tenant="unknown", session="appWorkspace")) == ("usual", "w1", None)
    table = "Mandant,Anruf,id,text_in,zeit\nacme,c1,r1,10,2026-11-22T10:00:00Z\n"
    own = LogDefaults(column=read_column_names("tenant=mandant, session=Anruf, time=zeit, model=id"))
    record = read_record(table, defaults=own)
    assert (*owners_of(record), record.key, record.model, str(record.day)) == ("acme", "c1", None, "r1", "r1", "2026-11-22")
    record = read_json(
        SPAN | {"when": "2026-11-22T10:00:00Z", "attributes": SPAN["attributes"] | {"voice": "v1"}}, model="voice"
    )
    assert record.model == "v1"
    record = read_json({"at": {"stored": "2026-11-21T10:00:00Z"}, "m": "m1", "event": DONE}, model="m", time="at.stored")
    assert (record.model, str(record.day)) == ("m1", "2026-11-21")


def test_a_name_of_one_s_own_is_found_around_a_line() -> None:
    """A logger's extra fields, around usage that is a text in its message."""
    line = {"log": json.dumps({"message": json.dumps(OBSERVATION), "extra": {"desk": "acme"}}), "attrs": {"room.ref": 7}}
    assert owners_of(read_json(line, tenant="desk", session="attrs.room.ref")) == ("acme", "7", None)


def test_a_column_of_one_s_own_does_not_change_a_row_s_key() -> None:
    """So a table that is recorded again with the name replaces what was recorded without it."""
    table = "model,text_in,mandant\ngpt-realtime,10,acme\n"
    named = read_record(table, defaults=LogDefaults(column={"tenant": "mandant"}))
    assert (named.tenant, named.key) == ("acme", read_record(table).key)


def test_an_owner_that_is_not_utf8_is_reported() -> None:
    """A Realtime event in Latin-1 is an unreadable line, and LiveKit's metrics have no tenant; neither is passed over."""
    other_done = DONE | {"response": RESPONSE | {"id": "resp_2"}}
    for document, other, tenants in (
        (DONE, other_done, ["acme"]),
        (LIVEKIT, LIVEKIT | {"request_id": "r2"}, ["acme", None]),
    ):
        lines = (json.dumps(fields | {"tenant": name}) for fields, name in ((document, "acme"), (other, "caf")))
        content = "\n".join(lines).replace('"caf"', '"caf\xe9"').encode("latin-1")
        records, report = read_records(content)
        assert ([record.tenant for record in records], report.error_count) == (tenants, 1)


def test_a_project_is_a_default_too() -> None:
    assert read_record(json.dumps(DONE), defaults=LogDefaults(project="p1")).project == "p1"


@pytest.mark.parametrize("text", ["", "tenant", "tenant=", "=team", "tenant=a,tenant=b", "tenant=a,", "offer=a", 7])
def test_names_are_pairs_each_field_once(text: object) -> None:
    with pytest.raises(VoicebillError, match=r"FIELD=NAME|must be text|unknown field 'offer'"):
        read_column_names(text)


@pytest.mark.parametrize("content", [b"[1]", b"{", b"\xff", b'{"metadata": "{"}', b'{"headers": [1, {"key": 7}]}', b"{}"])
def test_what_is_not_an_object_names_nothing(content: bytes) -> None:
    for path in ((), ("data", 3), (0,)):
        owners = owners_of_document(content, path, {"tenant": "a.b"})
        assert (owners.own, owners.usual) == ({}, {})


def test_every_name_of_a_tenant_or_project_has_a_word_by_which_events_are_searched() -> None:
    """A name that the hint does not find would be missing from raw events only."""
    for field in ("tenant", "project"):
        for name in (*OWNER_NAMES[field], *PROJECT_HEADERS):
            assert any(word in name.encode() for word in OWNER_WORDS), name
