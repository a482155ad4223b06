"""Normalise the names of providers, regions and deployments in logs."""

from voicebill.billing.offers import DEPLOYMENTS

VOICE_LIVE = "azure-voice-live"
"""Azure Voice Live: other prices than those of Azure OpenAI, on the same hosts, for models of the same names."""
VOICE_LIVE_PATH = "/voice-live/"
"""A part of the address of its WebSocket (azure-ai-voicelive 1.3.1, read 2026-11-28)."""

PROVIDER_ALIASES = {
    "openai": "openai",
    "open_ai": "openai",
    "api.openai.com": "openai",
    "azure": "azure",
    "azure_openai": "azure",
    "azureopenai": "azure",
    "azure.ai.openai": "azure",
    "az.ai.openai": "azure",
    "azure_voice_live": VOICE_LIVE,
    "azure_voicelive": VOICE_LIVE,
    "az.ai.voicelive": VOICE_LIVE,
}
"""Sources, read 2026-11-22: OpenTelemetry's attribute registry, old and new; LiteLLM's and LiveKit's provider names. Those of
Azure Voice Live, read 2026-11-28: LiveKit's plugin for Azure, and the telemetry of azure-ai-voicelive 1.3.1."""

AZURE_HOSTS = (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com")
"""The hosts of Azure OpenAI, of Foundry resources and of the resources that were there before."""


def normalize_region(region: str | None, provider: str | None) -> str | None:
    """Return the region that a log names, if the provider is Azure, the only one with prices by region.

    In other logs the field is the location of the logger's own machine.
    """
    return region if provider == "azure" else None


def normalize_deployment(deployment: str | None) -> str | None:
    """Return the deployment type that a log names; None for the name of a particular deployment.

    >>> normalize_deployment("Data-Zone"), normalize_deployment("my-gpt-realtime")
    ('data-zone', None)
    """
    name = (deployment or "").strip().lower()
    return name if name in DEPLOYMENTS else None


def split_model_name(model: str | None, provider: str | None) -> tuple[str | None, str | None]:
    """Return the provider and the model of a name such as `openai/gpt-realtime`; a provider that is named apart counts.

    >>> split_model_name("azure/gpt-realtime", None), split_model_name("openai/gpt-realtime", "azure")
    (('azure', 'gpt-realtime'), ('azure', 'gpt-realtime'))
    >>> split_model_name("acme/voice", None)
    (None, 'acme/voice')
    """
    prefix, _, name = (model or "").partition("/")
    if name and (prefix_provider := PROVIDER_ALIASES.get(prefix.strip().lower())):
        return provider or prefix_provider, name
    return provider, model


def normalize_provider(provider: str | None) -> str | None:
    """Return the provider that a name or a host stands for, if that is certain; else the name in lower case.

    >>> normalize_provider("az.ai.openai"), normalize_provider("Azure OpenAI"), normalize_provider("acme.openai.azure.com")
    ('azure', 'azure', 'azure')
    >>> normalize_provider("deepgram"), normalize_provider("https://acme.services.ai.azure.com/openai")
    ('deepgram', 'azure')
    >>> normalize_provider("wss://acme.services.ai.azure.com/voice-live/realtime?model=gpt-realtime")
    'azure-voice-live'
    """
    if not provider or not provider.strip():
        return None
    name = provider.strip().lower().removeprefix("https://").removeprefix("wss://")
    if name.partition("/")[0].partition(":")[0].endswith(AZURE_HOSTS):
        return VOICE_LIVE if VOICE_LIVE_PATH in name else "azure"
    return PROVIDER_ALIASES.get(name.replace(" ", "_").replace("-", "_"), name)
