"""Alerts as Prometheus posts them to Alertmanager's API v2: a JSON array.

In: a payload; out: at the edge what of it is valid (`check_alerts`), later its signals (`read`).
Such alerts end by their `endsAt`, or by the resolve timeout where they have none. Follows
`postAlertsHandler` of Alertmanager 0.34 (`api/v2/api.go`) and the answers of a running 0.25.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from tocsin.errors import PayloadRejected
from tocsin.model.alert_wire import (
    Checked,
    Refused,
    WireAlert,
    decode,
    labels_fault,
    parse_time,
    quoted,
    without_empty,
)
from tocsin.model.reading import Reading, ReadingContext
from tocsin.model.records import InboxRow
from tocsin.model.signal import Signal, Source, Status, signal_id

KIND: Final = "alertmanager/v2"

_decoder: Final = msgspec.json.Decoder(list[WireAlert | None] | None)
_stored_decoder: Final = msgspec.json.Decoder(list[WireAlert])

# What Go's url.ParseRequestURI takes: an absolute path, or a scheme and what belongs to it.
_URI: Final = re.compile(
    r"""
    (?P<scheme>[A-Za-z][A-Za-z0-9+.-]*:)?
    (?(scheme)
        (?: // (?:(?:[\w.~!$&'()*+,;=:@-]|%[0-9a-fA-F]{2})*@)?             # user
               (?:\[[0-9a-fA-F:.%\w~-]+\]|(?:[\w.~!$&'()*+,;=<>"-]|%[89a-fA-F][0-9a-fA-F])*)  # host
               (?::[0-9]*)?                                                # port
               (?=[/?]|$)
        )?
    )
    (?(scheme)(?:(?!/)[^?\x00-\x1f\x7f]*|/(?:[^?%\x00-\x1f\x7f]|%[0-9a-fA-F]{2})*)
             |/(?:[^?%\x00-\x1f\x7f]|%[0-9a-fA-F]{2})*)
    (?:\?[^\x00-\x1f\x7f]*)?
    """,
    re.VERBOSE,
)
