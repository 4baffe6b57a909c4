"""Quirks of report rows."""

from sandbox.quirks import Quirks
from sandbox.settings import Json


def disturbed(quirks: Quirks, row: Json) -> Json:
    """Apply every quirk that is on and affects this row, and return the row, which is changed in place."""
    learner = row["learnerDetails"]
    key = (learner.get("email"), row.get("contentDetails", {}).get("contentUrn"))
    if quirks.touches("report_missing_email", key):
        learner.pop("email", None)
    if quirks.touches("report_missing_asset_type", key):
        row["activities"] = [_without_type(activity) for activity in row["activities"]]
    if quirks.get("report_logins") is not None:
        row["activities"] = [_renamed(activity) for activity in row["activities"]]
    if quirks.get("report_shuffled_activities") is not None:
        row["activities"] = _shuffled(quirks, key, row["activities"])
    return row


def _without_type(activity: Json) -> Json:
    return {name: value for name, value in activity.items() if name != "assetType"}


def _renamed(activity: Json) -> Json:
    is_days = activity["engagementType"] == "DAYS_ACTIVE"
    return activity | {"engagementType": "LOGINS"} if is_days else activity


def _shuffled(quirks: Quirks, key: object, activities: list[Json]) -> list[Json]:
    views = {"engagementType": "VIEWS", "engagementValue": 3, "engagementMetricQualifier": "UNIQUE"}
    marked = {"engagementType": "MARKED_AS_DONE", "engagementValue": 0, "engagementMetricQualifier": "TOTAL"}
    pool = [*activities, views, marked]
    dice = quirks.dice("report_shuffled_activities", key)
    return [pool.pop(dice.throw(len(pool))) for _ in range(len(pool))]
