"""Rows and pages of bills, as vendors write them. Brook & Tide, whose they are, do not exist."""

import json
from typing import Any

MIDNIGHT, HOUR, DAY = 1795564800, 3_600, 86_400
"""2026-11-25, in seconds since 1970."""
RESOURCE = "/subscriptions/s-1/resourceGroups/rg-voice/providers/Microsoft.CognitiveServices/accounts/brook-voice"
EA: dict[str, object] = {
    "SubscriptionId": "s-1",
    "SubscriptionName": "Brook Production",
    "ResourceGroup": "rg-voice",
    "ResourceLocation": "SwedenCentral",
    "Date": "09/02/2026",
    "ProductName": "Azure OpenAI - gpt rt aud Inp glbl",
    "MeterCategory": "Foundry Models",
    "MeterSubCategory": "Azure OpenAI",
    "MeterId": "m-1",
    "MeterName": "gpt rt aud Inp glbl Tokens",
    "MeterRegion": "SE Central",
    "UnitOfMeasure": "1K",
    "Quantity": "47.6",
    "EffectivePrice": "0.032",
    "CostInBillingCurrency": "1.5232",
    "ResourceId": RESOURCE,
    "Tags": '"team": "voice","env": "prod"',
    "AdditionalInfo": '{"a": "b, c"}',
    "UnitPrice": "0.032",
    "ChargeType": "Usage",
    "BillingCurrencyCode": "USD",
    "BillingPeriodEndDate": "09/30/2026",
    "PayGPrice": "0.04",
}
MCA: dict[str, object] = {
    "date": "2026-09-02",
    "meterCategory": "Foundry Models",
    "meterName": "gpt rt aud Inp glbl Tokens",
    "quantity": "1.5",
    "unitOfMeasure": "1M",
    "chargeType": "Usage",
    "effectivePrice": "32",
    "unitPrice": "32",
    "PayGPrice": "40",
    "costInBillingCurrency": "43.2",
    "billingCurrency": "EUR",
    "costInUsd": "48",
    "pricingCurrency": "USD",
    "exchangeRatePricingToBilling": "0.9",
    "tags": '{"team": "voice"}',
}
MICROSOFT: dict[str, object] = {
    "BilledCost": "1.37088",
    "BillingCurrency": "EUR",
    "ChargeCategory": "Usage",
    "ChargeClass": "",
    "ChargeDescription": "Azure OpenAI - gpt rt aud Inp glbl",
    "ChargePeriodStart": "2026-09-02T00:00:00Z",
    "ChargePeriodEnd": "2026-09-03T00:00:00Z",
    "ConsumedQuantity": "47600",
    "ConsumedUnit": "Tokens",
    "ContractedUnitPrice": "0.0288",
    "EffectiveCost": "1.37088",
    "ListUnitPrice": "0.036",
    "PricingQuantity": "47.6",
    "PricingUnit": "1K Tokens",
    "ProviderName": "Microsoft",
    "PublisherName": "Microsoft",
    "RegionId": "swedencentral",
    "ResourceId": "/subscriptions/s-1/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/brook-voice",
    "ResourceName": "brook-voice",
    "ServiceName": "Azure OpenAI",
    "SkuId": "sku-1",
    "SkuPriceId": "price-1",
    "SubAccountId": "/subscriptions/s-1",
    "SubAccountName": "Brook Production",
    "Tags": '{"team": "voice"}',
    "x_BilledCostInUsd": "1.5232",
    "x_BillingExchangeRate": "0.9",
    "x_PricingCurrency": "USD",
    "x_SkuMeterId": "m-1",
    "x_SkuMeterName": "gpt rt aud Inp glbl",
}
DETAILS = {"ModelId": "gpt-realtime-1.5", "x_Meter": "audio_in", "x_Provider": "azure", "x_Deployment": "global"}
DETAILS |= {"x_Region": "swedencentral", "x_Tier": "priority"}
OWN: dict[str, object] = {
    "BilledCost": "0.0304",
    "BillingCurrency": "USD",
    "ChargeCategory": "Usage",
    "ChargePeriodStart": "2026-09-02T00:00:00Z",
    "ChargePeriodEnd": "2026-09-03T00:00:00Z",
    "ConsumedQuantity": "950",
    "ConsumedUnit": "Tokens",
    "ServiceProviderName": "Microsoft",
    "SkuMeter": "gpt-realtime-1.5 audio in",
    "SkuPriceDetails": json.dumps(DETAILS),
    "Tags": json.dumps({"tenant": "harbour", "project": "front-desk", "session": "s1"}),
}
COST_ROW: dict[str, object] = {
    "start_time": MIDNIGHT,
    "end_time": MIDNIGHT + DAY,
    "start_time_iso": "2026-11-25T00:00:00+00:00",
    "end_time_iso": "2026-11-26T00:00:00+00:00",
    "amount_value": "0.0635100000000000000000",
    "amount_currency": "usd",
    "line_item": "gpt-audio-mini-2025-12-15 audio, input",
    "project_id": "proj_a",
    "project_name": "front desk",
    "organization_id": "org-brook",
    "organization_name": "Brook & Tide",
}


def cost_result(
    value: object = 0.06351, line_item: str | None = "gpt-audio-mini-2025-12-15 audio, input", **fields: Any
) -> dict[str, Any]:
    amount = {"value": value, "currency": "usd"}
    return {
        "object": "organization.costs.result",
        "amount": amount,
        "line_item": line_item,
        "project_id": "proj_a",
        "organization_id": "org-brook",
        **fields,
    }


def cost_page(*results: object, start: int = MIDNIGHT) -> dict[str, Any]:
    bucket = {"object": "bucket", "start_time": start, "end_time": start + DAY, "results": list(results)}
    empty = {"object": "bucket", "start_time": start - DAY, "end_time": start, "results": []}
    return {"object": "page", "data": [empty, bucket], "has_more": False, "next_page": None}


def completions(**fields: object) -> dict[str, Any]:
    """A result: 40 text and 10 audio tokens uncached, 60 and 20 cached."""
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": 130,
        "input_cached_tokens": 80,
        "input_text_tokens": 40,
        "input_audio_tokens": 10,
        "input_cached_text_tokens": 60,
        "input_cached_audio_tokens": 20,
        "output_tokens": 12,
        "output_text_tokens": 5,
        "output_audio_tokens": 7,
        "num_model_requests": 3,
        "project_id": "proj_a",
        "user_id": "user-1",
        "api_key_id": "key_1",
        "model": "gpt-realtime-1.5",
        "batch": False,
        "service_tier": "default",
        **fields,
    }


def usage_page(*results: object, start: int = MIDNIGHT, seconds: int = HOUR) -> dict[str, Any]:
    bucket = {"object": "bucket", "start_time": start, "end_time": start + seconds, "results": list(results)}
    return {"object": "page", "data": [bucket], "has_more": False, "next_page": None}
