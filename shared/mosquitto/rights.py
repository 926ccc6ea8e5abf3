"""The access policy in the words of Mosquitto's dynamic security plugin: a client and a role for each identity.

What `shared.access` grants is all that is granted. A role per identity, because the plugin of Mosquitto 2.0 knows no
patterns.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared import access

ADMIN = "admin"  # the account that may change accounts, and nothing else
CONTROL_TOPIC = "$CONTROL/dynamic-security"
PRIORITY = 0
_ADMIN_ACLS = ("publishClientSend", "publishClientReceive", "subscribePattern")


@dataclass(frozen=True, slots=True)
class Account:
    """One identity with the password it connects with. `note` is kept beside it, for whoever looks at it later."""

    identity: access.Identity
    password: str = field(repr=False)
    note: str = ""


def role_of(identity: access.Identity) -> dict[str, Any]:
    """One role of the plugin with exactly the identity's grants."""
    granted = access.grants(identity)
    acls = [_acl("publishClientSend", topic) for topic in granted.publish]
    for topic in granted.receive:
        acls += [_acl("publishClientReceive", topic), _acl("subscribePattern", topic)]
        if isinstance(identity, access.ServiceIdentity):
            acls.append(_acl("subscribePattern", f"$share/{access.SHARE_GROUP}/{topic}"))
    return {"rolename": access.username(identity), "acls": acls}


def admin_role() -> dict[str, Any]:
    """The role of `admin`."""
    return {"rolename": ADMIN, "acls": [_acl(kind, f"{CONTROL_TOPIC}/#") for kind in _ADMIN_ACLS]}


def is_same_role(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two roles give the same rights; the plugin tells them in an order of its own."""
    return _rules(one) == _rules(other)


def _rules(role: Mapping[str, Any]) -> set[tuple[str, str, bool]]:
    return {(acl["acltype"], acl["topic"], acl["allow"]) for acl in role.get("acls", ())}


def _acl(kind: str, topic: str) -> dict[str, Any]:
    return {"acltype": kind, "topic": topic, "priority": PRIORITY, "allow": True}
