"""Fill the fields of a form that name a model, a provider, a deployment or a region with what can be combined on a day."""

from collections.abc import Mapping
from functools import lru_cache

from voicebill.answers.comparison.model_choices import USUAL_PROVIDERS, ModelChoices
from voicebill.answers.parameters.inputs import SELECTION
from voicebill.billing.offers import DEFAULT_PROVIDER, DEPLOYMENTS

USUAL_GROUP = "OpenAI and Azure"

Choices = tuple[tuple[str, str], ...]
"""Values of a selection with their labels."""


def provider_label(provider: str) -> str:
    """A provider's name as a form shows it."""
    return (SELECTION["provider"].choice_labels or {}).get(provider, provider)


def deployment_label(deployment: str) -> str:
    """A deployment's name as a form shows it."""
    return (SELECTION["deployment"].choice_labels or {}).get(deployment, deployment)


def model_label(model: str, choices: ModelChoices) -> str:
    """A model's name, with the day on which it ends if that is soon."""
    end = choices.ends(model)
    return f"{model} (ends {end})" if end else model


@lru_cache(maxsize=8)
def grouped_models(choices: ModelChoices) -> tuple[tuple[str, Choices], ...]:
    """The models with their labels, in groups: OpenAI's and Azure's, then those of each other provider."""
    groups: dict[str, list[tuple[str, str]]] = {USUAL_GROUP: []}
    for model in choices.models:
        provider = choices.providers(model)[0]
        group = USUAL_GROUP if provider in USUAL_PROVIDERS else provider_label(provider)
        groups.setdefault(group, []).append((model, model_label(model, choices)))
    return tuple((name, tuple(groups[name])) for name in sorted(groups, key=lambda name: (name != USUAL_GROUP, name)))


def with_available_offer(fields: Mapping[str, str], choices: ModelChoices) -> tuple[dict[str, str], list[str]]:
    """The fields of a form with a provider and a deployment that sell the model, and what was changed for it.

    A model that is not sold at all, and a name that is unknown, stay as they are: they are errors. A provider and a deployment
    are fields of the form even if nobody chose them, so a newly chosen model takes precedence.
    """
    fields, notes = dict(fields), list[str]()
    model, provider = fields.get("model", ""), fields.get("provider", DEFAULT_PROVIDER).strip().lower()
    providers = choices.providers(model)
    if not providers or provider not in choices.book.providers:
        return fields, notes
    if provider not in providers:
        notes.append(f"{provider_label(provider)} does not sell {model}: {provider_label(providers[0])} does, and is used.")
        provider = fields["provider"] = providers[0]
    deployment = fields.get("deployment", "").strip().lower()
    deployments = choices.deployments(model, provider)
    if deployment in DEPLOYMENTS and deployment not in deployments:
        first = deployments[0]
        notes.append(
            f"{provider_label(provider)} does not sell {model} as {deployment_label(deployment)}: "
            f"{deployment_label(first)} is used."
        )
        fields["deployment"] = first
    return fields, notes
