"""Normalise the names of providers, regions and deployments in logs."""

import re

from voicebill.billing.offers import DEPLOYMENTS
from voicebill.billing.recent_texts import cache_while_reading

VOICE_LIVE = "azure-voice-live"
"""Azure Voice Live: other prices than those of Azure OpenAI, on the same hosts, for models of the same names."""
VOICE_LIVE_PATH = "/voice-live/"
"""A part of the address of its WebSocket (azure-ai-voicelive 1.3.1, read 2026-11-28)."""

GOOGLE, AMAZON, XAI, ALIBABA, ELEVENLABS = "google", "amazon", "xai", "alibaba", "elevenlabs"

PROVIDER_ALIASES = {
    "openai": "openai",
    "open_ai": "openai",
    "api.openai.com": "openai",
    "azure": "azure",
    "azure_openai": "azure",
    "azureopenai": "azure",
    "azure.ai.openai": "azure",
    "az.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "az.ai.inference": "azure",
    "openairealtime": "openai",
    "azure_voice_live": VOICE_LIVE,
    "azure_voicelive": VOICE_LIVE,
    "az.ai.voicelive": VOICE_LIVE,
    "azurerealtime": "azure",
    **dict.fromkeys(("google", "gemini", "google_gemini", "google_genai", "google_ai", "google_ai_studio"), GOOGLE),
    **dict.fromkeys(("vertex", "vertexai", "vertex_ai", "vertex_ai_beta", "google_vertex", "google_vertex_ai"), GOOGLE),
    **dict.fromkeys(("gcp.gemini", "gcp.vertex_ai", "gcp.gen_ai", "geminilive", "geminilivevertex", "gemini_live"), GOOGLE),
    **dict.fromkeys(("amazon", "aws", "bedrock", "aws_bedrock", "amazon_bedrock", "aws.bedrock", "awsnovasonic"), AMAZON),
    **dict.fromkeys(("nova_sonic", "aws_nova_sonic", "amazon_nova_sonic", "bedrock_converse"), AMAZON),
    **dict.fromkeys(("xai", "x_ai", "grok", "grokrealtime", "xairealtime", "grokvoice"), XAI),
    **dict.fromkeys(("alibaba", "alibaba_cloud", "alibabacloud", "aliyun", "dashscope", "qwen", "qwenrealtime"), ALIBABA),
    **dict.fromkeys(("elevenlabs", "eleven_labs", "elevenlabs_realtime"), ELEVENLABS),
}
"""Sources, read 2026-11-22 and 2026-11-28: OpenTelemetry's attribute registry, old and new; the provider names of LiteLLM, of
LiveKit, which names Foundry's hosts `azure.ai.inference`, and of pipecat 1.14, which makes them of its services' names. Those
of Azure Voice Live: LiveKit's plugin for Azure, and the telemetry of azure-ai-voicelive 1.3.1. Those of Google, Amazon and xAI:
also LiveKit's plugins for them, and pipecat's names of their services."""

PROVIDER_HOSTS = {
    "googleapis.com": GOOGLE,
    "amazonaws.com": AMAZON,
    "x.ai": XAI,
    "aliyuncs.com": ALIBABA,
    "elevenlabs.io": ELEVENLABS,
}
"""The domains whose hosts are of one provider."""
MODEL_PATH = re.compile(r"(?:.*/)?publishers/([^/]+)/models/([^/]+)", re.IGNORECASE)
"""A model as Vertex AI names it: `projects/.../publishers/google/models/gemini-3.8-live`."""
MODELS_PREFIX = "models/"
"""What Gemini's API puts in front of its models."""
REGION_PREFIX = re.compile(r"[a-z]{2}(?:-[a-z]+){1,2}-\d/", re.IGNORECASE)
"""The region that LiteLLM puts in front of a model of Bedrock."""
INFERENCE_PROFILE = re.compile(r"(?:us|us-gov|eu|apac|jp|au|ca|global)\.(?=[a-z])", re.IGNORECASE)
"""What Bedrock puts in front of a model that is called across regions."""

SDK_PROVIDER = re.compile(r"([a-z0-9_-]+)\.(chat|responses|completion|messages|transcription|speech)")
"""A provider and its API, as the AI SDK names them. Sources: @ai-sdk/openai 3.0.141 and @ai-sdk/azure 3.0.128."""

DOTTED_PROVIDERS = frozenset({"ibm.watsonx.ai"})
"""Names with a dot that are no hosts. Source: OpenTelemetry's attribute registry."""
UNNAMED = frozenset({"unknown", "none", "null", "localhost"})
"""What is logged instead of a provider's name, and the host that has neither a dot nor a port."""
HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+(:\d+)?|[a-z0-9_-]+:\d+|\[[0-9a-f:.]+\](:\d+)?")
"""A host's name with a dot or a port, or an address."""

DEPLOYMENTS_BY_NAME = {deployment.replace("-", ""): deployment for deployment in DEPLOYMENTS}

AZURE_HOSTS = (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com")
"""The hosts of Azure OpenAI, of Foundry resources and of the resources that were there before."""


def normalize_region(region: str | None, provider: str | None) -> str | None:
    """Return the region that a log names, if the provider is Azure, the only one with prices by region.

    In other logs the field is the location of the logger's own machine. Azure shows its regions with spaces, too.

    >>> normalize_region("East US 2", "azure"), normalize_region("us-east-1", "openai")
    ('eastus2', None)
    """
    return region.replace(" ", "").lower() if region and provider == "azure" else None


@cache_while_reading(4096)
def normalize_deployment(deployment: str | None) -> str | None:
    """Return the deployment type that a log names, also as Azure names its SKUs; None for the name of a deployment.

    >>> normalize_deployment("Data-Zone"), normalize_deployment("GlobalStandard"), normalize_deployment("Standard")
    ('data-zone', 'global', 'regional')
    >>> normalize_deployment("my-gpt-realtime") is None
    True
    """
    name = re.sub(r"[\s_-]", "", (deployment or "").lower())
    return "regional" if name == "standard" else DEPLOYMENTS_BY_NAME.get(name.removesuffix("standard"))


@cache_while_reading(4096)
def split_model_name(model: str | None, provider: str | None) -> tuple[str | None, str | None]:
    """Return the provider and the model of a name such as `openai/gpt-realtime`; a provider that is named apart counts.

    >>> split_model_name("azure/gpt-realtime", None), split_model_name("openai/gpt-realtime", "azure")
    (('azure', 'gpt-realtime'), ('azure', 'gpt-realtime'))
    >>> split_model_name("acme/voice", None), split_model_name("Azure-OpenAI/gpt-realtime", None)
    ((None, 'acme/voice'), ('azure', 'gpt-realtime'))
    >>> split_model_name("models/gemini-3.8-live", None), split_model_name("bedrock/us.amazon.nova-2-sonic-v1:0", None)
    (('google', 'gemini-3.8-live'), ('amazon', 'amazon.nova-2-sonic-v1:0'))
    """
    if (path := MODEL_PATH.fullmatch(model or "")) is not None:
        return provider or normalize_provider(path[1]), path[2]
    if (model or "").startswith("arn:aws"):
        return provider or AMAZON, _bedrock_model((model or "").rpartition("/")[2])
    prefix, _, name = (model or "").partition("/")
    if name and (prefix_provider := PROVIDER_ALIASES.get(_alias_key(prefix))):
        return split_model_name(name, provider or prefix_provider)
    if (model or "").startswith(f"{MODELS_PREFIX}gemini"):
        return provider or GOOGLE, (model or "").removeprefix(MODELS_PREFIX)
    return provider, _bedrock_model(model) if model and provider in (None, AMAZON) else model


def _bedrock_model(name: str) -> str:
    """Return a model of Bedrock without its region and its inference profile; any other name unchanged."""
    plain = INFERENCE_PROFILE.sub("", REGION_PREFIX.sub("", name, count=1), count=1)
    return plain if plain.lower().startswith(f"{AMAZON}.") else name


@cache_while_reading(4096)
def normalize_provider(provider: str | None) -> str | None:
    """Return the provider that a name or a host stands for, if that is certain; else the name in lower case.

    An unknown host names no provider: behind a gateway is any of them.

    >>> normalize_provider("az.ai.openai"), normalize_provider("Azure OpenAI"), normalize_provider("acme.openai.azure.com")
    ('azure', 'azure', 'azure')
    >>> normalize_provider("deepgram"), normalize_provider("https://acme.services.ai.azure.com/openai")
    ('deepgram', 'azure')
    >>> normalize_provider("10.0.0.7:4000"), normalize_provider("http://litellm:4000/v1"), normalize_provider("aws.bedrock")
    (None, None, 'amazon')
    >>> normalize_provider("wss://acme.services.ai.azure.com/voice-live/realtime?model=gpt-realtime")
    'azure-voice-live'
    """
    if not provider or not provider.strip():
        return None
    _, separator, address = provider.strip().lower().partition("://")
    name = address if separator else provider.strip().lower()
    host = name.partition("/")[0]
    if host.partition(":")[0].endswith(AZURE_HOSTS):
        return VOICE_LIVE if VOICE_LIVE_PATH in name else "azure"
    alias = PROVIDER_ALIASES.get(_alias_key(name)) or PROVIDER_ALIASES.get(host.partition(":")[0])
    domain = ".".join(host.partition(":")[0].split(".")[-2:])
    alias = alias or (PROVIDER_HOSTS.get(domain) if "." in host else None)
    if alias is not None:
        return alias
    if sdk_name := SDK_PROVIDER.fullmatch(name):
        return PROVIDER_ALIASES.get(_alias_key(sdk_name[1]), sdk_name[1])
    is_host = bool(separator) or (HOST.fullmatch(host) is not None and name not in DOTTED_PROVIDERS)
    return None if is_host or name in UNNAMED else name


def _alias_key(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")
