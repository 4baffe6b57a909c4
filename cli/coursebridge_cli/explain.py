"""`coursebridge explain`: why a learner has a record of a course, or not."""

from typing import Annotated, Any

import typer

from coursebridge_cli import output
from coursebridge_cli.learners import Who
from coursebridge_cli.options import Integration, Json, client


def explain(
    who: Who,
    course: Annotated[str, typer.Argument(help="The course's URN, such as urn:li:lyndaCourse:252")],
    integration: Integration = None,
    *,
    as_json: Json = False,
) -> None:
    """Explain step by step why a learner has a record of a course or not, and what would help."""
    api = client()
    path = f"/learning/{api.integration(integration)['id']}/explain"
    told = api.get(path, learner=who, course=course)
    if as_json:
        output.as_json(told)
        return
    _tell(who, told)


def _tell(who: str, told: dict[str, Any]) -> None:
    person, course = told["learner"], told["course"]
    output.facts(
        {
            "learner": ", ".join(person[name] for name in ("id", "name", "email") if person[name]) if person else who,
            "course": course["title"] if course else told["course_urn"],
        }
    )
    output.steps(
        [
            {
                "title": f"{step['step']}: {step['detail']}",
                "state": "ok" if step["ok"] else "failed",
                "remedy": step["help"],
            }
            for step in told["steps"]
        ],
        "why",
    )
    if told["statements"]:
        output.table(
            "Statements",
            ("Id", "Stored", "Verb", "Outcome", "Why"),
            (
                (each["id"], each["stored_at"], each["verb"].rpartition("/")[2], each["outcome"], each["explanation"])
                for each in told["statements"]
            ),
            "",
        )
