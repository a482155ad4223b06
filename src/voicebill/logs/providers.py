"""Names of providers as frameworks write them, and as voicebill knows them."""

NAMES = {
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


DEPLOYMENTS = ("global", "data-zone", "regional")


def region_meant(said: str | None, provider: str | None) -> str | None:
    """The region that a log names, where it can be one of the provider's: only Azure prices by region.

    Elsewhere the word stands for where a logger's own machine is.
    """
    return said if provider == "azure" else None


def deployment_meant(said: str | None) -> str | None:
    """The kind of deployment that a log names, if it is one; a deployment's own name is none.

    >>> deployment_meant("Data-Zone"), deployment_meant("my-gpt-realtime")
    ('data-zone', None)
    """
    name = (said or "").strip().lower()
    return name if name in DEPLOYMENTS else None


def provider_named(said: str | None) -> str | None:
    """The provider that a name or a host means where that is certain; else what was said, in small letters.

    >>> provider_named("az.ai.openai"), provider_named("Azure OpenAI"), provider_named("acme.openai.azure.com")
    ('azure', 'azure', 'azure')
    >>> provider_named("deepgram")
    'deepgram'
    """
    if not said or not said.strip():
        return None
    name = said.strip().lower()
    if name.endswith(AZURE_HOST):
        return "azure"
    return NAMES.get(name.replace(" ", "_").replace("-", "_"), name)
