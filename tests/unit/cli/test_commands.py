"""What commands do, what they print for people and for scripts, and their exit codes."""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from coursebridge.clock import rfc3339, utc_now
from coursebridge.people.explaining import AGAIN, HELP
from coursebridge.records.identifiers import digest, normalised
from coursebridge.secret_values import pseudonym_key
from coursebridge.storage import keys
from coursebridge.storage.learners import Learner
from coursebridge.storage.runs import RunStore
from coursebridge.storage.unplaced_people import UnplacedPeopleStore, UnplacedPerson
from coursebridge_cli import app, client, output, runs, session
from coursebridge_cli.errors import CommandError, NotLoggedIn, Unreachable
from coursebridge_cli.hints import in_commands
from run_records import put_run
from unit.admin.conftest import GOOD_PAIR
from unit.admin.statements import held

if TYPE_CHECKING:
    from pathlib import Path

    from unit.admin.conftest import Api
    from unit.cli.conftest import Result, Terminal

SECRET = GOOD_PAIR["client_secret"]
A_CALL = re.compile(r"\b(?:GET|POST|PUT|PATCH|DELETE) \S+")
A_COMMAND = re.compile(r"(?:`coursebridge|: coursebridge|\(coursebridge) (.+?)(?:`|\)|\n|$)")
SETUP = ("setup", "--name", "Acme", "--client-id", "78content", "--no-sync", "--secret-stdin")


def test_setup_connects_an_account_and_says_what_to_paste(terminal: Terminal) -> None:
    done = terminal.run(*SETUP, typed=f"{SECRET}\n")

    assert (done.code, done.err) == (0, "")
    assert "https://api.example.com/xapi/statements" in done.out
    assert "client_secret" in done.out
    assert "✓ Give Coursebridge a key pair for LinkedIn's catalogue" in done.out
    assert "○ Let LinkedIn report what learners do" in done.out
    assert SECRET not in done.out


def test_setup_says_what_linkedin_does_not_let_the_key_pair_read(terminal: Terminal) -> None:
    lacking = ("setup", "--name", "Acme", "--client-id", "78only-report", "--no-sync", "--secret-stdin")

    told = terminal.run(*lacking, typed=f"{SECRET}\n").out
    as_json = terminal.run(*lacking, "--json", typed=f"{SECRET}\n").json

    assert "LinkedIn accepts" not in told
    assert re.findall(r"may read (.+?) +(yes|no)", told) == [("the catalogue", "no"), ("activity reports", "yes")]
    assert "Warning: LinkedIn does not let this key pair read the catalogue" in told
    assert "lacks the Content key" in as_json["warning"]
    assert as_json["credentials"]["content"]["scopes"] == {"content": False, "report": True}


def test_setup_with_a_wrong_key_pair_leaves_nothing_behind(terminal: Terminal) -> None:
    done = terminal.run(*SETUP, typed="wrong\n")

    assert done.code == 1
    assert "Client authentication failed" in done.err
    assert "→ Re-copy both values" in done.err
    assert terminal.run("integrations", "list", "--json").json == []


def test_setup_that_is_broken_off_leaves_nothing_behind(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    send = client.Client.send

    def broken_off(api: client.Client, method: str, path: str, *arguments: Any, **options: Any) -> Any:
        if "/credentials/" in path:
            raise KeyboardInterrupt
        return send(api, method, path, *arguments, **options)

    monkeypatch.setattr(client.Client, "send", broken_off)

    assert terminal.run(*SETUP, typed=f"{SECRET}\n").code != 0
    assert terminal.run("integrations", "list", "--json").json == []


def test_setup_says_what_it_could_not_take_back(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    send = client.Client.send

    def away(api: client.Client, method: str, path: str, *arguments: Any, **options: Any) -> Any:
        if method in ("PUT", "DELETE"):
            raise Unreachable("https://api.example.com does not answer")
        return send(api, method, path, *arguments, **options)

    monkeypatch.setattr(client.Client, "send", away)

    done = terminal.run(*SETUP, typed=f"{SECRET}\n")

    [left] = terminal.run("integrations", "list", "--json").json
    assert (done.code, f"integrations delete -i {left['id']} --force" in done.err) == (3, True)


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_setup_shows_the_secret_of_the_webhook_whatever_becomes_of_the_first_sync(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    send = client.Client.send

    def full(api: client.Client, method: str, path: str, *arguments: Any, **options: Any) -> Any:
        if path.endswith("/runs"):
            raise CommandError("LinkedIn is away")
        return send(api, method, path, *arguments, **options)

    monkeypatch.setattr(client.Client, "send", full)

    done = terminal.run(*(word for word in SETUP if word != "--no-sync"), *more, typed=f"{SECRET}\n")

    assert (done.code, "LinkedIn is away" in done.err) == (1, True)
    assert re.search(r"client_secret\W+[\w-]{20,}", done.out)


@pytest.mark.parametrize("command", [(*SETUP, "--learners", "shoe"), ("statements", "list", "--outcome", "lost")])
def test_a_choice_there_is_not_is_told_before_anything_is_asked(terminal: Terminal, command: tuple[str, ...]) -> None:
    refused = terminal.run(*command, typed=f"{SECRET}\n")

    assert (refused.code, terminal.run("integrations", "list", "--json").json) == (2, [])


def test_an_admin_of_one_integration_needs_to_know_of_no_other(
    terminal: Terminal, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, _another = api.integration(name="Own"), api.integration(name="Another")
    as_client(api, monkeypatch, "admin:read", "admin:write", integration_id=own["id"])

    for named in ((), ("-i", own["id"]), ("-i", "Own")):
        assert terminal.run("integrations", "show", *named, "--json").json["id"] == own["id"]
        actions = [entry["action"] for entry in terminal.run("audit", *named, "--json").json]
        assert actions == ["client.created", "integration.created"]
    assert terminal.run("integrations", "show", "-i", "Another").code == 2


def test_a_secret_is_never_an_argument(terminal: Terminal) -> None:
    assert "--client-secret" not in terminal.run("setup", "--help").out
    assert terminal.run("setup", "--name", "A", "--client-id", "b", "--client-secret", "c").code == 2


def test_an_empty_secret_is_refused_before_anything_is_made(terminal: Terminal) -> None:
    assert terminal.run(*SETUP, typed="\n").code == 2
    assert terminal.run("integrations", "list", "--json").json == []


@pytest.mark.parametrize(
    "command",
    [
        ["integrations", "list"], ["integrations", "show"], ["webhook", "show"], ["filters", "show"], ["runs", "list"],
        ["statements", "list"], ["statements", "held"], ["clients", "list"], ["audit"], ["status"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_a_person_reads_a_script_gets_as_json(terminal: Terminal, command: list[str]) -> None:
    terminal.run(*SETUP, typed=f"{SECRET}\n")

    assert terminal.run(*command).out
    assert terminal.run(*command, "--json").json is not None


def test_the_only_integration_need_not_be_named_and_others_are_by_name_or_id(terminal: Terminal, api: Api) -> None:
    assert terminal.run("status").code == 2
    first = api.integration(name="First")
    assert terminal.run("integrations", "show", "--json").json["id"] == first["id"]
    second = api.integration(name="Second")

    vague = terminal.run("integrations", "show")
    assert (vague.code, f"{second['id']}  Second" in vague.err) == (2, True)
    assert terminal.run("integrations", "show", "-i", "Second", "--json").json["id"] == second["id"]
    assert terminal.run("integrations", "show", "-i", first["id"], "--json").json["name"] == "First"
    assert terminal.run("integrations", "show", "-i", "Third").code == 2


def test_settings_are_given_as_names_and_values(terminal: Terminal) -> None:
    made = terminal.run(
        "integrations", "create", "Acme", 'filters.languages=["de"]', "target_group=Sales", "--json"
    ).json
    changed = terminal.run("integrations", "set", "target_group=null", "archive_limit_percent=5")
    shown = terminal.run("integrations", "show", "--json").json

    assert made["filters"]["languages"] == ["de"]
    assert made["webhook"]["client_secret"]
    assert "archive_limit_percent" in changed.out
    assert (shown["target_group"], shown["archive_limit_percent"]) == (None, 5)
    assert terminal.run("integrations", "set", "nonsense").code == 2
    assert terminal.run("integrations", "set", "filters=null", 'filters.languages=["de"]').code == 2


def test_a_wrong_setting_is_told_with_its_name(terminal: Terminal, api: Api) -> None:
    api.integration()

    done = terminal.run("integrations", "set", 'filters.levels=["EASY"]')

    assert done.code == 1
    assert "filters.levels[0]: " in done.err


def test_deactivating_and_deleting_ask_first(terminal: Terminal, api: Api) -> None:
    api.integration()

    assert terminal.run("integrations", "deactivate", typed="n\n").code == 1
    assert terminal.run("integrations", "show", "--json").json["status"] == "active"
    assert terminal.run("integrations", "delete", "--yes").code == 1
    assert terminal.run("integrations", "deactivate", typed="y\n").code == 0
    assert terminal.run("integrations", "activate").code == 0
    assert terminal.run("integrations", "delete", "--force", "--yes").code == 0
    assert terminal.run("integrations", "list", "--json").json == []


def test_key_pairs_are_saved_and_forgotten(terminal: Terminal, api: Api) -> None:
    api.integration()

    saved = terminal.run("credentials", "save", "report", "--client-id", "78r", "--secret-stdin", typed=f"{SECRET}\n")
    assert saved.code == 0
    assert terminal.run("integrations", "show", "--json").json["credentials"]["report"]["client_id"] == "78r"
    assert terminal.run("credentials", "delete", "report", "--yes").code == 0
    assert terminal.run("integrations", "show", "--json").json["credentials"]["report"] is None


def test_a_key_pair_that_lacks_a_key_is_saved_with_a_warning(terminal: Terminal, api: Api) -> None:
    api.integration()
    save = ("credentials", "save", "report", "--secret-stdin", "--client-id", "78only-content")

    saved = terminal.run(*save, typed=f"{SECRET}\n")

    assert saved.code == 0
    assert "LinkedIn accepts" not in saved.out
    assert re.findall(r"may read (.+?) +(yes|no)", saved.out) == [("the catalogue", "yes"), ("activity reports", "no")]
    assert "Warning: LinkedIn does not let this key pair read activity reports" in saved.out
    assert "lacks the Report key" in terminal.run(*save, "--json", typed=f"{SECRET}\n").json["warning"]


def test_a_webhook_secret_is_rotated_then_the_old_one_revoked(terminal: Terminal, api: Api) -> None:
    api.integration()

    rotated = terminal.run("webhook", "rotate")
    assert "client_secret" in rotated.out
    assert terminal.run("webhook", "revoke", "1", "--yes").code == 0
    assert [one["n"] for one in terminal.run("webhook", "show", "--json").json["secrets"]] == [2]


def test_clients_are_made_rotated_and_revoked(terminal: Terminal, api: Api) -> None:
    api.integration()
    made = terminal.run("clients", "create", "LMS", "-s", "learning:read", "-i", "Acme", "--json").json

    assert terminal.run("clients", "rotate", made["client_id"]).code == 0
    assert terminal.run("clients", "revoke", made["client_id"], "--secret", "1", "--yes").code == 0
    assert terminal.run("clients", "revoke", made["client_id"], "--yes").code == 0
    assert "no such client" in terminal.run("clients", "rotate", "what?").err
    assert [one["client_id"] for one in terminal.run("clients", "list", "--json").json] == ["first"]


def test_filters_are_previewed_and_saved_after_a_question(terminal: Terminal, api: Api, tmp_path: Path) -> None:
    api.integration()
    file = tmp_path / "filters.json"
    file.write_text(json.dumps({"languages": ["fr"]}))

    assert "archived" in terminal.run("filters", "preview", 'languages=["de"]').out
    assert "the next full sync" in terminal.run("filters", "preview", "licensed_only=false").out
    assert "the next full sync" in terminal.run("filters", "save", "licensed_only=false", "--yes").out
    assert terminal.run("filters", "save", 'languages=["de"]', typed="n\n").code == 1
    assert terminal.run("filters", "show", "--json").json["languages"] == []
    assert terminal.run("filters", "save", 'languages=["de"]', typed="y\n").code == 0
    assert terminal.run("filters", "save", "--file", str(file), "--yes").code == 0
    assert terminal.run("filters", "show", "--json").json["languages"] == ["fr"]
    assert terminal.run("filters", "preview").code == 2
    assert terminal.run("filters", "preview", "a=1", "--file", str(file)).code == 2
    for text in (b"{", b"[]", b"\xff"):
        file.write_bytes(text)
        assert terminal.run("filters", "preview", "--file", str(file)).code == 2


@pytest.mark.parametrize(
    ("typed", "error", "remedy"),
    [
        ('language=["en"]', "there is no filter language", "languages, "),
        ('filters.languages=["en"]', "there is no filter filters", "languages, "),
        ("languages=[en,de]", "languages takes a list", """'languages=["en","de"]'"""),
        ("languages=en", "languages takes a list", """'languages=["en","de"]'"""),
        ("languages", "languages is not name=value", "quotes"),
    ],
)
def test_a_filter_that_is_mistyped_is_told_before_anything_is_asked(
    terminal: Terminal, api: Api, typed: str, error: str, remedy: str
) -> None:
    api.integration()

    refused = terminal.run("filters", "save", typed, "--yes")

    assert (refused.code, error in refused.err, remedy in refused.err) == (2, True, True)
    assert "filters.languages" not in refused.err.replace(typed, "")


def test_filters_set_with_other_settings_are_told_with_what_is_left_to_syncs(terminal: Terminal, api: Api) -> None:
    api.integration()

    set_filters = terminal.run("integrations", "set", "filters.licensed_only=false")

    assert "· licensed_only: " in set_filters.out
    assert "notes" not in set_filters.out
    assert "·" not in terminal.run("integrations", "set", "archive_limit_percent=5").out


def test_setting_nothing_says_that_the_schedules_are_recreated(terminal: Terminal, api: Api) -> None:
    api.integration()

    done = terminal.run("integrations", "set")

    assert (done.code, done.out, "schedules are recreated" in done.err) == (0, "", True)


def test_courses_are_included_and_excluded_one_by_one(terminal: Terminal, api: Api) -> None:
    api.integration()
    urns = [f"urn:li:lyndaCourse:{number}" for number in (1, 2, 3)]

    assert terminal.run("filters", "include", *urns[:2], "--yes").code == 0
    assert terminal.run("filters", "include", urns[1], urns[2], typed="y\n").code == 0
    assert terminal.run("filters", "include", urns[0], "--remove", "--yes").code == 0
    excluded = terminal.run("filters", "exclude", urns[1], "--yes")
    assert terminal.run("filters", "exclude", urns[2], typed="n\n").code == 1

    filters = terminal.run("filters", "show", "--json").json
    assert (filters["include_urns"], filters["exclude_urns"]) == (urns[1:], [urns[1]])
    assert f"Both lists have {urns[1]}" in excluded.err


def test_held_statements_are_listed_with_why_and_replayed(terminal: Terminal, api: Api) -> None:
    integration_id = api.integration()["id"]
    held(api.table, integration_id, "s1", "learner_unknown", "email:a@example.com")

    assert "nobody in the directory has this identifier" in terminal.run("statements", "held").out
    assert '"mbox"' in terminal.run("statements", "show", "s1").out
    assert terminal.run("statements", "replay", "--reason", "learner_unknown", "--json").json["replayed"] == 1
    assert terminal.run("statements", "replay", "s1").out == "It is being replayed.\n"
    assert terminal.run("statements", "replay").code == 2
    assert terminal.run("statements", "show", "s9").code == 1


@pytest.mark.parametrize("outcome", ["applied", "held", "ignored"])
def test_a_statement_that_is_not_replayed_is_told_with_its_outcome(
    terminal: Terminal, api: Api, monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    api.integration()
    send = client.Client.send

    def left_alone(api: client.Client, method: str, path: str, *arguments: Any, **options: Any) -> Any:
        return {"outcome": outcome} if "/replay" in path else send(api, method, path, *arguments, **options)

    monkeypatch.setattr(client.Client, "send", left_alone)

    assert terminal.run("statements", "replay", "s1").out == f"Nothing was done: the statement is {outcome}.\n"


def test_an_identifier_is_assigned_only_to_a_learner_there_is(terminal: Terminal, api: Api) -> None:
    api.integration()

    assert "no such learner" in terminal.run("assign", "email:a@example.com", "nobody").err
    assert terminal.run("assign", "phone:1", "nobody").code == 2


def test_an_identifier_that_is_taken_from_somebody_is_said_to_be(terminal: Terminal, api: Api) -> None:
    integration_id = api.integration()["id"]
    for name in ("first", "second"):
        api.table.put(Learner(integration_id, name, rfc3339(utc_now())).to_item())

    given = terminal.run("assign", "email:a@example.com", "first")
    taken = terminal.run("assign", "email:a@example.com", "second")

    assert "taken from" not in given.out
    assert "email:a@example.com now means second;" in taken.out
    assert "It was taken from first, who keep what it has counted for so far." in taken.out


def test_an_identifier_of_an_erased_person_is_assigned_only_when_that_is_meant(terminal: Terminal, api: Api) -> None:
    integration_id = api.integration()["id"]
    api.table.put(Learner(integration_id, "ada", rfc3339(utc_now())).to_item())
    api.table.put(keys.tombstone(integration_id, digest(normalised("email", "a@example.com"), pseudonym_key())).item())

    assert "after_erasure" in terminal.run("assign", "email:a@example.com", "ada").err
    assert terminal.run("assign", "email:a@example.com", "ada", "--after-erasure").code == 0


def test_status_ends_with_1_when_not_all_is_well(terminal: Terminal, api: Api) -> None:
    api.integration()
    unwell = terminal.run("status")

    assert unwell.code == 1
    assert "There is no LinkedIn key pair" in unwell.out
    terminal.run("credentials", "save", "content", "--client-id", "78c", "--secret-stdin", typed=f"{SECRET}\n")
    assert terminal.run("status").code == 0


def test_a_run_is_followed_to_its_end(terminal: Terminal, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    integration_id = api.integration()["id"]
    store = RunStore(api.table, integration_id, "catalog")
    put_run(store, run("r1", status="running"))

    def finish(_seconds: float) -> None:
        store.change("r1", status="succeeded", finished_at=rfc3339(utc_now()))

    monkeypatch.setattr("coursebridge_cli.runs.time.sleep", finish)

    watched = terminal.run("runs", "watch", "r1")
    assert (watched.code, "succeeded" in watched.out) == (0, True)
    assert "r1" in terminal.run("runs", "list").out


@pytest.mark.parametrize(
    ("status", "remedy"), [("failed", "runs redrive r1"), ("needs_confirmation", "runs confirm r1")]
)
def test_a_run_that_needs_somebody_says_what_to_do(terminal: Terminal, api: Api, status: str, remedy: str) -> None:
    integration_id = api.integration()["id"]
    problem = {"code": "x", "detail": "LinkedIn [was] away", "cause": "It happens.", "remedy": "Wait.", "count": 2}
    put_run(RunStore(api.table, integration_id, "catalog"), run("r1", status=status, errors=[problem]))

    watched = terminal.run("runs", "watch", "r1")

    assert watched.code == 1
    assert remedy in watched.err
    assert "2 times LinkedIn [was] away" in watched.out


def test_a_run_that_waits_for_nothing_is_not_confirmed(terminal: Terminal, api: Api) -> None:
    put_run(RunStore(api.table, api.integration()["id"], "catalog"), run("r1", status="succeeded"))

    refused = terminal.run("runs", "confirm", "r1")

    assert (refused.code, "it is succeeded" in refused.err) == (1, True)


def test_a_run_of_activity_reports_tells_what_it_filled_in_and_for_whom_it_could_not(
    terminal: Terminal, api: Api
) -> None:
    integration_id = api.integration()["id"]
    results = {
        "repairs": {"completions": 2, "progress": 1, "history": 3, "total": 3},
        "not_repaired": {"learner_unknown": 4, "course_unknown": 0},
        "people": {"known": 5, "unknown": 1},
        "reengaged": 1,
        "drift_percent": Decimal("2.50"),
        "clean": True,
    }
    put_run(RunStore(api.table, integration_id, "activity"), run("r1", status="succeeded", kind="activity", **results))
    unknown = UnplacedPerson(frozenset({normalised("email", "a@example.com")}), rfc3339(utc_now()), "learner_unknown")
    UnplacedPeopleStore(api.table, integration_id).change(
        lambda before: replace(before, people=(unknown,), run_id="r1")
    )

    told = " ".join(terminal.run("runs", "show", "r1").out.split())

    assert "filled in completions: 2, progress: 1 (3 from before the push was set up)" in told
    assert "not filled in learner_unknown: 4 taken again 1 drift 2.5 % of the records" in told
    assert "people known: 5, unknown: 1" in told
    assert "email:a@example.com" in told
    assert "clean yes" in told


def test_a_run_tells_nothing_that_is_zero(terminal: Terminal, api: Api) -> None:
    integration_id = api.integration()["id"]
    nothing = {"repairs": {"completions": 0, "history": 0}, "not_repaired": {}, "reengaged": 0, "drift_percent": 0}
    put_run(RunStore(api.table, integration_id, "activity"), run("r1", status="running", kind="activity", **nothing))

    told = terminal.run("runs", "show", "r1").out.split("\n")

    assert [line.split()[0] for line in told if line] == ["run", "kind", "status", "started", "finished", "read"]


def test_a_run_that_could_not_read_everything_says_so(terminal: Terminal, api: Api) -> None:
    integration_id = api.integration()["id"]
    put_run(RunStore(api.table, integration_id, "catalog"), run("r1", status="succeeded", clean=False))

    assert "no: not everything could be read" in terminal.run("runs", "show", "r1").out


def test_what_is_left_to_set_up_is_told_in_commands(terminal: Terminal, api: Api) -> None:
    api.integration()

    told = terminal.run("integrations", "show").out

    assert "`coursebridge credentials save content`" in told
    assert "`coursebridge credentials save report`" in told
    assert "`coursebridge webhook show`" in told
    assert "`coursebridge webhook rotate`" in told
    assert "`coursebridge runs start --mode full`" in told
    assert A_CALL.findall(told) == []


@pytest.mark.parametrize(
    "words", ["integrations show", "runs start", "filters preview", "learners find email:a@example.com", "runs list"]
)
def test_advised_commands_name_the_integration_where_there_are_several(
    terminal: Terminal, api: Api, words: str
) -> None:
    first = api.integration(name="First")
    alone = advised(terminal.run(*words.split()))
    api.integration(name="Second")
    by_name, by_id = (advised(terminal.run(*words.split(), "-i", first[field])) for field in ("name", "id"))

    assert alone
    assert by_name == by_id == [f"{command} -i {first['id']}" for command in alone]


def test_what_setup_advises_names_the_integration_if_it_is_not_the_first(terminal: Terminal) -> None:
    alone, second = (terminal.run(*SETUP, typed=f"{SECRET}\n") for _ in range(2))

    [_, made] = terminal.run("integrations", "list", "--json").json
    assert advised(second) == [f"{command} -i {made['id']}" for command in advised(alone)]


def test_advised_commands_can_be_copied(terminal: Terminal, api: Api) -> None:
    first, _second = api.integration(name="First"), api.integration(name="Second")
    put_run(RunStore(api.table, first["id"], "catalog"), run("r1", status="needs_confirmation"))
    told = {
        command.partition(" -i ")[0]: command
        for words in (("integrations", "show"), ("filters", "preview"), ("runs", "watch", "r1"))
        for command in advised(terminal.run(*words, "-i", "First"))
    }

    for wanted in ("webhook show", "webhook rotate", """filters preview 'languages=["en"]'"""):
        assert terminal.run(*shlex.split(told[wanted])).code == 0
    assert told["runs confirm r1"] == f"runs confirm r1 -i {first['id']}"


def test_a_remedy_is_never_broken_so_that_its_command_can_be_copied(
    terminal: Terminal, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _second = api.integration(name="First"), api.integration(name="Second")
    monkeypatch.setattr(output.errors, "width", 40)

    refused = terminal.run("filters", "preview", "-i", "First")

    assert f"""coursebridge filters preview 'languages=["en"]' -i {first["id"]}\n""" in refused.err


def test_a_reason_of_the_status_is_told_in_commands(
    terminal: Terminal, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.integration()
    told = "comes once it is named in filters.include_urns."
    monkeypatch.setattr("coursebridge.admin.status.troubles", lambda _seen: iter([told]))

    assert "in filters.include_urns (`coursebridge filters include`)" in terminal.run("status").out


@pytest.mark.parametrize("advice", [*HELP.values(), AGAIN])
def test_what_would_help_is_told_in_commands(advice: str) -> None:
    assert A_CALL.findall(in_commands(advice)) == []
    assert "after_erasure" not in in_commands(advice)


def test_a_client_that_may_only_read_runs_the_commands_that_only_read(
    terminal: Terminal, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.integration()
    as_client(api, monkeypatch, "admin:read")

    for command in ("integrations list", "integrations show", "runs list", "statements held", "filters show", "audit"):
        assert terminal.run(*command.split()).code == 0
    assert "Needs attention" in terminal.run("status").out


def test_who_lacks_a_scope_is_told_which_and_how_to_get_it(
    terminal: Terminal, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.integration()
    as_client(api, monkeypatch, "admin:read", "learning:read")

    refused = terminal.run("integrations", "set", "archive_limit_percent=5")

    assert refused.code == 1
    assert "this client lacks the scope admin:write" in refused.err
    assert (
        'coursebridge clients create "NAME" --scope admin:read --scope admin:write --scope learning:read' in refused.err
    )


def test_a_run_without_a_key_pair_is_refused_with_the_remedy(terminal: Terminal, api: Api) -> None:
    api.integration()

    refused = terminal.run("runs", "start")

    assert (refused.code, "save one with `coursebridge credentials save content`" in refused.err) == (1, True)


def test_a_command_outlives_its_token() -> None:
    asked: list[str] = []
    tokens = iter(("first", "second"))

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth2/token":
            return httpx.Response(200, json={"access_token": next(tokens)})
        asked.append(request.headers["authorization"])
        return httpx.Response(401 if asked[-1] == "Bearer first" and len(asked) > 1 else 200, json={"n": len(asked)})

    api = client.Client(session.Credentials("https://api.example.com", "a", "b"), httpx.MockTransport(answer))

    assert [api.get("/x")["n"], api.get("/x")["n"], api.get("/x")["n"]] == [1, 3, 4]
    assert asked == ["Bearer first", "Bearer first", "Bearer second", "Bearer second"]


def test_who_is_not_logged_in_is_told_how(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(session.CLIENT_SECRET, "wrong")
    wrong = terminal.run("integrations", "list")
    monkeypatch.delenv(session.CLIENT_SECRET)
    partly = terminal.run("integrations", "list")
    for name in (session.URL, session.CLIENT_ID):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    not_at_all = terminal.run("integrations", "list")

    assert [wrong.code, partly.code, not_at_all.code] == [4, 4, 4]
    assert "wrong" in wrong.err
    assert session.CLIENT_SECRET in partly.err
    assert "make up" in not_at_all.err


def test_who_has_the_address_of_something_else_is_told_to_check_the_address(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(session.URL, "https://api.example.com/elsewhere")
    refused = terminal.run("integrations", "list")

    assert refused.code == 4
    assert session.URL in refused.err


def test_an_error_in_a_pipe_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "errors", output.console_for(stderr=True))
    sentence = "the API refuses to issue a token: the client id or the client secret is wrong, " * 2

    output.failure(CommandError(sentence.strip()))

    assert capsys.readouterr().err == f"Error: {sentence.strip()}\n"


@pytest.mark.parametrize(("more", "printed"), [((), b"Zo? ? ?"), (("--json",), rb"Zo\u00eb \u2713 \u65e5")])
@pytest.mark.usefixtures("terminal")
def test_a_terminal_that_lacks_a_letter_gets_another_one(
    api: Api, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], printed: bytes
) -> None:
    api.integration(name="Zoë ✓ 日")
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))

    with pytest.raises(SystemExit) as end:
        app.main(["integrations", "list", *more])
    sys.stdout.flush()

    assert (end.value.code, printed in written.getvalue()) == (0, True)


def test_what_a_row_is_called_by_is_never_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output.console, "width", 40)

    output.table("Runs", ("id", "why"), [("01a1fe854ca4cb06c1bacd", "because " * 9)], "none")

    assert "01a1fe854ca4cb06c1bacd" in capsys.readouterr().out


@pytest.mark.parametrize("width", [60, 200])
def test_a_table_too_wide_for_the_terminal_is_printed_one_row_below_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    monkeypatch.setattr(output.console, "width", width)
    columns = ("Id", *(f"Heading{number}" for number in range(8)))

    output.table("Runs", columns, [("01a1fe854ca4cb06c1bacd", *("succeeded",) * 8)] * 2, "none")
    printed = capsys.readouterr().out

    assert printed.split().count("succeeded") == 16
    assert (printed.count("Heading7") == 2) is (width == 60)
    assert max(map(len, printed.splitlines())) <= width


def test_the_embedded_stack_is_found_from_any_folder_below(tmp_path: Path) -> None:
    (tmp_path / ".local").mkdir()
    outputs = {"api_url": "http://127.0.0.1:1", "admin_client_id": "a", "admin_client_secret": "b"}
    (tmp_path / ".local" / "outputs.json").write_text(json.dumps(outputs))
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)

    assert session.credentials({}, below) == session.Credentials("http://127.0.0.1:1", "a", "b")
    with pytest.raises(NotLoggedIn):
        session.credentials({session.URL: "https://api.example.com"}, below)


@pytest.mark.parametrize("answered", [httpx.Response(200, text="<html>"), httpx.Response(301), httpx.Response(204)])
def test_a_page_in_the_place_of_a_token_is_told_as_a_wrong_address(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, answered: httpx.Response
) -> None:
    elsewhere = client.Client(session.credentials(), httpx.MockTransport(lambda _request: answered))
    monkeypatch.setattr("coursebridge_cli.integrations.client", lambda: elsewhere)

    refused = terminal.run("integrations", "list")

    assert (refused.code, f"Check {session.URL}" in refused.err) == (4, True)


@pytest.mark.parametrize("url", ["https://api:port", "api.example.com", "127.0.0.1:4566/api", "localhost:4566"])
def test_what_is_no_address_is_told_as_such(url: str) -> None:
    with pytest.raises(NotLoggedIn, match="is not a URL") as refused:
        client.Client(session.Credentials(url, "a", "b"))

    assert "https://" in refused.value.remedy


def test_an_api_that_does_not_answer_ends_with_3(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_request: httpx.Request) -> httpx.Response:
        message = "away"
        raise httpx.ConnectError(message)

    unreachable = client.Client(session.credentials(), httpx.MockTransport(away))
    monkeypatch.setattr("coursebridge_cli.integrations.client", lambda: unreachable)

    assert terminal.run("integrations", "list").code == 3


def advised(result: Result) -> list[str]:
    """Return the commands that a result advises."""
    return A_COMMAND.findall(result.out + result.err)


def as_client(api: Api, monkeypatch: pytest.MonkeyPatch, *scopes: str, integration_id: str | None = None) -> None:
    """Log in as a new client with these scopes."""
    made = api.ask("POST", "/admin/clients", {"scopes": scopes, "integration_id": integration_id}, expect=201)
    for name, value in ((session.CLIENT_ID, made["client_id"]), (session.CLIENT_SECRET, made["client_secret"])):
        monkeypatch.setenv(name, value)


def run(run_id: str, **fields: Any) -> Any:
    counts = dict.fromkeys(runs.COUNTED, 0)
    return {
        "id": run_id, "kind": "catalog", "mode": "full", "trigger": "admin", "status": "running",
        "started_at": rfc3339(utc_now()), "finished_at": None, "counts": counts,
        "progress": {"done": 0, "total": 0}, "errors": [], "throttled": 0, "pending_archive": 3, **fields,
    }  # fmt: skip
