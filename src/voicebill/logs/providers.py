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
