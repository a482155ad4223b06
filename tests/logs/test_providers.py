"""Names and hosts of providers, as logs contain them."""

import pytest

from tests.logs.reading import read_record
from voicebill.logs.providers import normalize_provider


@pytest.mark.parametrize(
    "host",
    [
        *("10.0.0.7:4000", "10.0.0.7", "litellm.internal", "litellm:4000", "localhost", "localhost:8080", "[::1]:4000"),
        *("http://gateway.acme.dev/v1", "wss://voice.acme.dev", "llm.prod.svc.cluster.local:80", "api.acme.com/openai/v1"),
    ],
)
def test_an_unknown_host_names_no_provider(host: str) -> None:
    """Behind a gateway may be any provider: the default decides, and the answer says for how many records."""
    assert normalize_provider(host) is None


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("api.openai.com:443", "openai"),
        ("https://api.openai.com/v1/realtime", "openai"),
        ("wss://acme.openai.azure.com:443/openai/v1/realtime", "azure"),
        ("azure.ai.inference", "azure"),
        ("OpenAIRealtime", "openai"),
        ("openai.responses", "openai"),
        ("azure-openai.chat", "azure"),
        ("anthropic.messages", "anthropic"),
        ("gcp.vertex_ai", "gcp.vertex_ai"),
        ("aws.bedrock", "aws.bedrock"),
        ("deepgram", "deepgram"),
        ("unknown", None),
        (" ", None),
    ],
)
def test_a_name_names_its_provider(name: str, provider: str | None) -> None:
    """Names with a dot are no hosts: OpenTelemetry's registry has some, and the AI SDK's name the API too."""
    assert normalize_provider(name) == provider


def test_every_format_takes_a_host_for_no_provider() -> None:
    """A span, a row of a table and LiveKit's metrics, all of a gateway; another vendor's name stays."""
    usage = '"gen_ai.usage.input_tokens": 1'
    metrics = '{"type": "llm_metrics", "prompt_tokens": 1, "completion_tokens": 1, "metadata": {"model_provider": "HOST"}}'
    for text in (
        '{"traceId": "t", "spanId": "s", "attributes": {"gen_ai.provider.name": "HOST", ' + usage + "}}",
        "provider,model,text_in\nHOST,gpt-realtime,5\n",
        metrics,
    ):
        assert read_record(text.replace("HOST", "litellm.internal:4000")).provider is None
        assert read_record(text.replace("HOST", "groq")).provider == "groq"
