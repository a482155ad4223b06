"""Normalise the names of providers, regions and deployments in logs."""

from voicebill.billing.offers import DEPLOYMENTS

PROVIDER_ALIASES = {
    "openai": "openai",
    "open_ai": "openai",
    "api.openai.com": "openai",
    "azure": "azure",
    "azure_openai": "azure",
    "azureopenai": "azure",
    "azure.ai.openai": "azure",
    "az.ai.openai": "azure",
}
"""Sources, read 2026-11-22: OpenTelemetry's attribute registry, old and new; LiteLLM's and LiveKit's provider names."""

AZURE_HOST = ".openai.azure.com"


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


def normalize_provider(provider: str | None) -> str | None:
    """Return the provider that a name or a host stands for, if that is certain; else the name in lower case.

    >>> normalize_provider("az.ai.openai"), normalize_provider("Azure OpenAI"), normalize_provider("acme.openai.azure.com")
    ('azure', 'azure', 'azure')
    >>> normalize_provider("deepgram")
    'deepgram'
    """
    if not provider or not provider.strip():
        return None
    name = provider.strip().lower()
    if name.endswith(AZURE_HOST):
        return "azure"
    return PROVIDER_ALIASES.get(name.replace(" ", "_").replace("-", "_"), name)
