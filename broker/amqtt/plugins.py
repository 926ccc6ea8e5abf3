"""amqtt's two questions, who comes in and what he may do, answered by the same door and policy as everywhere."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from amqtt.contexts import Action, BaseContext
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from broker.embedded.door import Door, Refusal, Rights, Unsure

log = structlog.get_logger()


@dataclass
class Admitted:
    """The door, and the rights of everybody who was let in, by client id; both plugins share one."""

    door: Door
    rights: dict[str, Rights] = field(default_factory=dict)

    async def admit(self, client_id: str, username: str | None, password: str | None) -> bool:
        """Whether the client may come in; who fails is looked up once in the carts' table."""
        secret = password.encode() if password is not None else None
        answer = self.door.admit(client_id, username, secret, datetime.now(UTC))
        if isinstance(answer, Unsure) and await _asked(answer):
            answer = self.door.admit(client_id, username, secret, datetime.now(UTC))
        if isinstance(answer, Unsure):
            answer = answer.refusal
        if isinstance(answer, Refusal):
            log.warning("refused", client=username or client_id, act="connect", reason=answer.value)
            return False
        self.rights[client_id] = answer
        return True

    def may(self, client_id: str, topic: str, action: Action) -> bool:
        """Whether this client may do that now; nobody may whose rights have ended."""
        rights = self.rights.get(client_id)
        if rights is None or not rights.still_hold(datetime.now(UTC)):
            return False
        allowed = {Action.PUBLISH: rights.may_publish, Action.SUBSCRIBE: rights.may_subscribe}
        return allowed.get(action, rights.may_receive)(topic)


class HouseAuthentication(BaseAuthPlugin):  # type: ignore[misc]  # amqtt has no types
    """Carts by their secret, shoppers by their token, services by the service password."""

    @dataclass
    class Config:
        """What the broker hands to the plugin."""

        admitted: Admitted

    async def authenticate(self, *, session: Session) -> bool | None:
        """Asked once for each CONNECT."""
        admitted: Admitted = self.config.admitted
        return await admitted.admit(session.client_id or "", session.username, session.password)


class HousePolicy(BaseTopicPlugin):  # type: ignore[misc]
    """Topics by `shared.access`."""

    @dataclass
    class Config:
        """What the broker hands to the plugin."""

        admitted: Admitted

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._admitted: Admitted = self.config.admitted

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool | None:
        """Asked for publishes, subscriptions and deliveries; not for wills nor retained messages (docs/brokers.md)."""
        if session is None or topic is None or action is None:
            return False
        allowed = self._admitted.may(session.client_id or "", topic, action)
        if not allowed and action is not Action.RECEIVE:
            log.warning("refused", client=session.client_id, act=action.value, reason="not_granted", topic=topic)
        return allowed


async def _asked(unsure: Unsure) -> bool:
    """Wait until the table was read; whether it could be."""
    loop = asyncio.get_running_loop()
    known: asyncio.Future[bool] = loop.create_future()

    def tell(read: bool) -> None:
        loop.call_soon_threadsafe(known.set_result, read)

    if not unsure.ask(tell):
        return False
    return await known
