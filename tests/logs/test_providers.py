"""Names and hosts of providers, as logs contain them."""

import pytest

from tests.logs.reading import read_record
from voicebill.logs.providers import normalize_provider, split_model_name


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
        ("ibm.watsonx.ai", "ibm.watsonx.ai"),
        *(
            (name, "google")
            for name in ("google", "Gemini", "Vertex AI", "vertex_ai", "gcp.gemini", "gcp.vertex_ai", "geminilive")
        ),
        *((host, "google") for host in ("generativelanguage.googleapis.com", "us-central1-aiplatform.googleapis.com:443")),
        *((name, "amazon") for name in ("aws", "Amazon", "bedrock", "aws_bedrock", "aws.bedrock", "awsnovasonic")),
        ("https://bedrock-runtime.us-east-1.amazonaws.com", "amazon"),
        *((name, "xai") for name in ("xai", "x_ai", "grok", "api.x.ai", "wss://us-east-1.api.x.ai/v1/realtime")),
        *((name, "alibaba") for name in ("dashscope", "qwen", "wss://dashscope-intl.aliyuncs.com/api-ws/v1/realtime")),
        *((name, "elevenlabs") for name in ("elevenlabs", "Eleven Labs", "wss://api.elevenlabs.io/v1/convai/realtime")),
        ("deepgram", "deepgram"),
        ("unknown", None),
        (" ", None),
    ],
)
def test_a_name_names_its_provider(name: str, provider: str | None) -> None:
    """Names with a dot are no hosts: OpenTelemetry's registry has some, and the AI SDK's name the API too."""
    assert normalize_provider(name) == provider


@pytest.mark.parametrize(
    ("model", "provider", "expected"),
    [
        ("models/gemini-3.8-live", None, ("google", "gemini-3.8-live")),
        ("gemini/gemini-3.8-live", None, ("google", "gemini-3.8-live")),
        ("vertex_ai/gemini-live-2.5-flash-native-audio", None, ("google", "gemini-live-2.5-flash-native-audio")),
        ("gemini/models/gemini-3.8-live", None, ("google", "gemini-3.8-live")),
        ("publishers/google/models/gemini-3.8-live", None, ("google", "gemini-3.8-live")),
        (
            "projects/p-1/locations/us-central1/publishers/google/models/gemini-3.8-live",
            "google",
            ("google", "gemini-3.8-live"),
        ),
        ("bedrock/amazon.nova-2-sonic-v1:0", None, ("amazon", "amazon.nova-2-sonic-v1:0")),
        ("bedrock/us-east-1/amazon.nova-2-sonic-v1:0", None, ("amazon", "amazon.nova-2-sonic-v1:0")),
        ("us.amazon.nova-2-sonic-v1:0", "amazon", ("amazon", "amazon.nova-2-sonic-v1:0")),
        (
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-sonic-v1:0",
            None,
            ("amazon", "amazon.nova-2-sonic-v1:0"),
        ),
        ("xai/grok-voice-3.0", None, ("xai", "grok-voice-3.0")),
        ("dashscope/qwen3.5-omni-plus-realtime", None, ("alibaba", "qwen3.5-omni-plus-realtime")),
        ("models/of-our-own", None, (None, "models/of-our-own")),
        ("us.gpt-realtime", "openai", ("openai", "us.gpt-realtime")),
        (None, None, (None, None)),
    ],
)
def test_a_model_is_named_with_its_provider_and_its_place(
    model: str | None, provider: str | None, expected: tuple[str | None, str | None]
) -> None:
    assert split_model_name(model, provider) == expected


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
