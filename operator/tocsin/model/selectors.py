"""References to Secrets and ConfigMaps, label selectors, and grants to namespaces."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from tocsin.model.schema import (
    DATA_KEY,
    DNS_LABEL,
    DNS_SUBDOMAIN,
    Pattern,
    ResourceModel,
    Text,
    cel,
    list_type,
)

ObjectName = Annotated[str, Text(253, DNS_SUBDOMAIN)]
NamespaceName = Annotated[str, Text(63, DNS_LABEL)]
DataKey = Annotated[str, Text(253, DATA_KEY)]

_LABEL_KEY: Final = Pattern(
    r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$",
    "must be the key of a label",
)
_LabelKey = Annotated[str, Text(317, _LABEL_KEY)]
_LabelValue = Annotated[str, Text(63, min_length=0)]


class TokenSecretRef(ResourceModel):
    """The Secret that holds the token; in the same namespace."""

    name: ObjectName = Field(description="Name of the Secret, in the same namespace.")
    key: DataKey = Field("token", description="Key of the token in the Secret's data.")


class WebhookSecretRef(ResourceModel):
    """The Secret that holds the incoming webhook's URL; in the same namespace."""

    name: ObjectName = Field(description="Name of the Secret, in the same namespace.")
    key: DataKey = Field("url", description="Key of the URL in the Secret's data.")


class CaBundleRef(ResourceModel):
    """Where further certificate authorities (PEM) are; in the same namespace."""

    kind: Literal["ConfigMap", "Secret"] = Field(
        "ConfigMap", description="Kind of the object: ConfigMap or Secret."
    )
    name: ObjectName = Field(description="Name of the object, in the same namespace.")
    key: DataKey = Field("ca.crt", description="Key of the certificates in the object's data.")


_VALUES_RULE: Final = "must have values with In and NotIn, and none with Exists and DoesNotExist"


class LabelRequirement(ResourceModel):
    """One condition on one label, as in every Kubernetes label selector."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "(self.operator in ['In', 'NotIn']) == (size(self.?values.orValue([])) > 0)",
                _VALUES_RULE,
            )
        )
    )

    key: _LabelKey = Field(description="Key of the label.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = Field(
        description="How the label's value relates to the values."
    )
    values: tuple[_LabelValue, ...] = Field(
        (),
        max_length=64,
        description="The values of In and NotIn.",
        json_schema_extra=list_type("set"),
    )

    @model_validator(mode="after")
    def _has_values_where_due(self) -> Self:
        if (self.operator in ("In", "NotIn")) != bool(self.values):
            raise ValueError(_VALUES_RULE)
        return self

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels` meet the condition; NotIn is met by an absent label."""
        if self.operator in ("In", "NotIn"):
            return (labels.get(self.key) in self.values) is (self.operator == "In")
        return (self.key in labels) is (self.operator == "Exists")


class LabelSelector(ResourceModel):
    """A Kubernetes label selector: all conditions must be met; without conditions all match."""

    match_labels: Mapping[str, _LabelValue] = Field(
        default={}, max_length=32, description="Labels and the values they must have."
    )
    match_expressions: tuple[LabelRequirement, ...] = Field(
        (),
        max_length=32,
        description="Further conditions on labels.",
        json_schema_extra=list_type("atomic"),
    )

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels` meet every condition."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            requirement.matches(labels) for requirement in self.match_expressions
        )


_SELECTOR_RULE: Final = "must have a selector with from: Selector, and none otherwise"


class AllowedNamespaces(ResourceModel):
    """Which namespaces may use an object; Gateway API's idiom."""

    model_config = ConfigDict(
        json_schema_extra=cel(("(self.from == 'Selector') == has(self.selector)", _SELECTOR_RULE))
    )

    from_: Literal["Same", "All", "Selector"] = Field(
        "Same",
        alias="from",
        description="Same: only the object's own namespace. All: every namespace. "
        "Selector: its own and those whose labels the selector matches.",
    )
    selector: LabelSelector | None = Field(
        None, description="Which namespaces, by their labels; with from: Selector only."
    )

    @model_validator(mode="after")
    def _has_selector_where_due(self) -> Self:
        if (self.from_ == "Selector") != (self.selector is not None):
            raise ValueError(_SELECTOR_RULE)
        return self

    def admits(self, own: str, other: str, labels: Mapping[str, str]) -> bool:
        """Whether namespace `other`, with these labels, may use an object in namespace `own`."""
        if own == other or self.from_ == "All":
            return True
        return self.selector is not None and self.selector.matches(labels)
