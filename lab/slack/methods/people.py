"""auth.test and users.lookupByEmail.

Source: https://docs.slack.dev/reference/methods/auth.test and users.lookupByEmail.
"""

from typing import Any

from lab.slack.call import Call
from lab.slack.errors import Refusal
from lab.slack.views import user_view


def identify(call: Call) -> dict[str, Any]:
    """Who the token acts as. Its scopes are in the answer's headers, as with every method."""
    token, team = call.token, call.state.teams[call.token.team]
    user = call.state.users.get(token.user)
    answer = {
        "url": f"https://{team.domain or team.id.lower()}.slack.com/",
        "team": team.name,
        "team_id": team.id,
        "user": user.name if user else token.name,
        "user_id": token.user,
        "is_enterprise_install": False,
    }
    return answer | {"bot_id": token.bot_id} if token.bot_id else answer


def look_up_by_email(call: Call) -> dict[str, Any]:
    """The person with an e-mail address."""
    user = call.state.find_user(call.token.team, call.required("email"))
    if user is None:
        raise Refusal("users_not_found")
    return {"user": user_view(user)}
