"""The Web API methods that the stand-in serves, by name. Everything else is an unknown_method."""

from collections.abc import Mapping
from typing import Final

from lab.slack.call import Method
from lab.slack.methods.chat import post_message, update
from lab.slack.methods.conversations import READ_SCOPES, info, list_channels, open_direct
from lab.slack.methods.history import HISTORY_SCOPES, history, replies
from lab.slack.methods.people import identify, look_up_by_email

METHODS: Final[Mapping[str, Method]] = {
    "auth.test": Method(identify, takes_json=True),
    "chat.postMessage": Method(
        post_message, scopes=("chat:write",), takes_json=True, spends_itself=True
    ),
    "chat.update": Method(update, scopes=("chat:write",), takes_json=True),
    "conversations.history": Method(history, scopes=HISTORY_SCOPES, takes_json=True),
    "conversations.info": Method(info, scopes=READ_SCOPES),
    "conversations.list": Method(list_channels, scopes=READ_SCOPES),
    "conversations.open": Method(open_direct, scopes=("im:write",), takes_json=True),
    "conversations.replies": Method(replies, scopes=HISTORY_SCOPES),
    "users.lookupByEmail": Method(look_up_by_email, scopes=("users:read.email",)),
}
