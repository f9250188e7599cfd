"""What the OpenAPI document says in words and JSON Schema has no word for, for schemathesis to keep to."""

import re
from datetime import datetime, timezone

import schemathesis
from hypothesis import strategies as st

# Of the date-times in requests, `expiresAt` must lie in the future, and `since` in 1970 or later.
schemathesis.openapi.format(
    "date-time",
    st.datetimes(min_value=datetime(2100, 1, 1), max_value=datetime(9999, 12, 31, 23, 59, 59)).map(
        lambda instant: instant.isoformat(timespec="milliseconds") + "Z"
    ),
)


@schemathesis.hook
def filter_body(context, body):
    """Dates also come from answers seen before, for instance a `createdAt`: valid, but past."""
    try:
        expires_at = datetime.fromisoformat(body["expiresAt"].replace("Z", "+00:00"))
        return expires_at > datetime.now(timezone.utc)
    except (AttributeError, KeyError, TypeError, ValueError):
        return True


@schemathesis.hook
def before_call(context, case, kwargs):
    """A generated cursor is no position: a cursor belongs to the response that it comes from, and to that request's filter."""
    cursor = (case.query or {}).get("cursor")
    for parameter in case.operation.definition.raw.get("parameters", []):
        if parameter["name"] == "cursor" and re.search(parameter["schema"]["pattern"], str(cursor)):
            del case.query["cursor"]
