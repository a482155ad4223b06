"""A price file of an invented provider, with a meter of its own."""

INVENTED = """
provider = "parrot-ai"
checked = 2026-11-01
sources = ["an invented price list"]

[[meters]]
name = "squawk_ms"
label = "squawking"
unit = "ms"
priced_per = 1_000
price_unit = "/s"
direction = "out"
modality = "audio"

[[offers]]
model = "parrot-1"
kind = "realtime"
[[offers.prices]]
since = "2026-06"
usd = { squawk_ms = 0.002, audio_in = 12.5, text_out = 3 }
"""
