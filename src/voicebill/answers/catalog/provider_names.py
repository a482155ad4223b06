"""How providers write their own names; an id is what stands in prices, logs and addresses."""

from collections.abc import Mapping

PROVIDER_NAMES: Mapping[str, str] = {
    "agora": "Agora",
    "alibaba": "Alibaba",
    "amazon": "Amazon",
    "assemblyai": "AssemblyAI",
    "azure": "Azure",
    "azure-communication-services": "Azure Communication Services",
    "azure-voice-live": "Azure Voice Live",
    "bland": "Bland",
    "boson": "Boson AI",
    "cartesia": "Cartesia",
    "daily": "Daily",
    "deepgram": "Deepgram",
    "elevenlabs": "ElevenLabs",
    "fish-audio": "Fish Audio",
    "google": "Google",
    "hume": "Hume",
    "inworld": "Inworld",
    "livekit": "LiveKit",
    "mistral": "Mistral",
    "openai": "OpenAI",
    "retell": "Retell",
    "telnyx": "Telnyx",
    "twilio": "Twilio",
    "ultravox": "Ultravox",
    "vapi": "Vapi",
    "xai": "xAI",
}
