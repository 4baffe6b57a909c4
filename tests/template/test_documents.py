"""The documents are complete where they should be, and their links, calls and commands work."""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from jsonschema import Draft202012Validator
from typer.core import TyperOption

import cfn
from coursebridge.apply.judge import HELD_REASONS, IGNORED_REASONS
from coursebridge.catalog.sync.problems import STILL_AVAILABLE
from coursebridge.integrations.models import ActivitySettings, Filters, IntegrationSettings, Schedule
from coursebridge.linkedin.errors import _CREDENTIAL_CAUSES, DAY_LIMIT, KEY_OF_SCOPE, CredentialsRefused, KeyMissing
from coursebridge_cli.app import app

CONFIGURATION = (cfn.ROOT / "docs" / "configuration.md").read_text()
DATA_MODEL = (cfn.ROOT / "docs" / "data-model.md").read_text()
TROUBLESHOOTING = (cfn.ROOT / "docs" / "troubleshooting.md").read_text()
BUILD_ON_IT = (cfn.ROOT / "docs" / "build-on-it.md").read_text()
MODELS = (IntegrationSettings, Filters, Schedule, ActivitySettings)
PAGES = sorted([*cfn.ROOT.glob("*.md"), *(cfn.ROOT / "docs").rglob("*.md")])
LAYER = cfn.ROOT / "layers" / "shared" / "coursebridge"
API = json.loads((LAYER / "admin" / "openapi.json").read_text())


@pytest.mark.parametrize("name", cfn.template()["Parameters"])
def test_every_parameter_of_the_stack_is_described(name: str) -> None:
    assert f"`{name}`" in CONFIGURATION


@pytest.mark.parametrize("name", sorted({name for model in MODELS for name in model.model_fields}))
def test_every_setting_of_an_integration_is_described(name: str) -> None:
    assert f"`{name}`" in CONFIGURATION


def test_nothing_is_described_that_does_not_exist() -> None:
    parameters = CONFIGURATION.partition("## Parameters of the stack")[2].partition("## Settings")[0]
    first_cells = re.findall(r"^\| (`.+?`) \|", parameters, re.MULTILINE)

    assert {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)} == set(cfn.template()["Parameters"])


def test_the_quota_that_the_advised_concurrency_needs_is_named() -> None:
    """AWS refuses a reservation that leaves less than 100 executions to the functions without one."""
    rows = re.findall(r"^\| `(\w+Concurrency)` .* In production: (\d+)", CONFIGURATION, re.MULTILINE)
    advised = {name: int(number) for name, number in rows}
    functions = cfn.resources("AWS::Serverless::Function").values()
    reserved = [one["ReservedConcurrentExecutions"] for one in functions if "ReservedConcurrentExecutions" in one]
    numbers = [one["Fn::If"][1] for one in reserved]
    needed = 100 + sum(advised[number["Ref"]] if isinstance(number, dict) else number for number in numbers)

    assert len(advised) == 2
    assert f"a quota of at least {needed} " in CONFIGURATION


def test_every_prefix_of_the_bucket_is_described() -> None:
    rules = cfn.resources("AWS::S3::Bucket")["Bucket"]["LifecycleConfiguration"]["Rules"]

    assert [rule["Prefix"] for rule in rules if "Prefix" in rule and f"`{rule['Prefix']}`" not in DATA_MODEL] == []


def by_path(page: Path) -> str:
    return str(page.relative_to(cfn.ROOT))


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield the target file and heading of each link within the project."""
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not link.startswith(("http:", "https:", "mailto:")):
            path, _, heading = link.partition("#")
            yield (page.parent / path).resolve() if path else page, heading


def headings(page: Path) -> set[str]:
    """Return the headings of a page as GitHub spells them in links."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    assert [
        f"{target.name}#{heading}"
        for target, heading in links(page)
        if not target.exists() or (heading and heading not in headings(target))
    ] == []


def test_every_document_is_reached_from_the_readme() -> None:
    reached, to_read = set[Path](), [cfn.ROOT / "README.md"]
    while to_read:
        page = to_read.pop()
        reached.add(page)
        to_read += {target for target, _ in links(page) if target.suffix == ".md"} - reached

    assert [by_path(page) for page in PAGES if page not in reached] == []


def test_the_index_of_decisions_has_them_all_by_their_numbers() -> None:
    folder = cfn.ROOT / "docs" / "decisions"
    rows = re.findall(r"^\| (\d+) \| \[.+?\]\((.+?)\) \|", (folder / "README.md").read_text(), re.MULTILINE)
    decisions = sorted(page.name for page in folder.glob("0*.md"))

    assert [name for _, name in rows] == decisions
    assert [int(number) for number, _ in rows] == [int(name[:4]) for name in decisions]
    assert [int(re.findall(r"^# (\d+)\.", (folder / name).read_text())[0]) for name in decisions] == [
        int(name[:4]) for name in decisions
    ]


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_every_make_target_in_the_documents_is_one(page: Path) -> None:
    makefile = (cfn.ROOT / "Makefile").read_text()
    quoted = re.findall(r"(?:`|^)(?:[A-Z_]+=\S+ )*make ([a-z]+)", page.read_text(), re.MULTILINE)

    assert [target for target in quoted if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


METHODS = "GET|POST|PUT|PATCH|DELETE"


def quoted_calls(text: str) -> Iterator[tuple[str, str]]:
    """Yield the method and path of each API call that a document names in backticks or makes with curl."""
    for methods, path in re.findall(rf"`((?:{METHODS})(?:/(?:{METHODS}))*) ((?:/|\.\.\.)[^`\s]*)", text):
        for method in methods.split("/"):
            yield method, path.partition("?")[0]
    for call in re.findall(r"^.*\bcurl (.+\$.+)$", text.replace("\\\n", " "), re.MULTILINE):
        url = re.search(r"\$(API|COURSEBRIDGE_URL)(/[^\"?\s]*)", call)
        assert url, call
        said = re.search(r"-X (\w+)", call)
        method = said[1] if said else "POST" if re.search(r" (-d|--data\S*) ", call) else "GET"
        yield method, ("/learning/x" if url[1] == "API" else "") + url[2].replace("$INTEGRATION", "x")


def is_a_call(method: str, path: str) -> bool:
    """Tell whether the API has such a call, whatever its parameters are called; ``...`` stands for any beginning."""
    wanted = re.sub(r"\{\w+\}", "[^/]+", re.escape(path).replace(r"\{", "{").replace(r"\}", "}"))
    wanted = re.sub(r"^\\\.\\\.\\\.", ".+", wanted)
    return any(
        method.lower() in item
        and (re.fullmatch(wanted, known) or re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known), path))
        for known, item in API["paths"].items()
    )


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_every_call_in_the_documents_is_one_of_the_api(page: Path) -> None:
    quoted = quoted_calls(page.read_text())

    assert [f"{method} {path}" for method, path in quoted if not is_a_call(method, path)] == []


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_json_in_the_documents_is_json(page: Path) -> None:
    for block in re.findall(r"```json\n(.*?)```", page.read_text(), re.DOTALL):
        json.loads(block)


def test_the_event_that_is_shown_fits_its_schema() -> None:
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", BUILD_ON_IT, re.DOTALL)]
    event = next(one for one in shown if "detail-type" in one)
    schema = json.loads((cfn.ROOT / "events" / "schemas" / f"{event['detail-type']}.json").read_text())

    Draft202012Validator(schema).validate(event["detail"])


def codes_of_problems() -> set[str]:
    """Return the code of every problem that a run's record can show, from the code that makes them."""
    found = {DAY_LIMIT, STILL_AVAILABLE}
    found |= {KeyMissing(scope, "").reason for scope in KEY_OF_SCOPE}
    found |= {CredentialsRefused(error, "").reason for error in (*_CREDENTIAL_CAUSES, "anything else")}
    for folder in ("activity", "catalog", "integrations", "linkedin", "syncs"):
        for file in (LAYER / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                found |= set(_codes_given(node))
    return found


def _codes_given(node: ast.AST) -> Iterator[str]:
    """Yield the texts given as `code=...`, or as `"code": ...` in a dictionary with a remedy."""
    if isinstance(node, ast.Call):
        values = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
    elif isinstance(node, ast.Dict):
        members = {
            name.value: value
            for name, value in zip(node.keys, node.values, strict=True)
            if isinstance(name, ast.Constant)
        }
        values = [members["code"]] if {"code", "remedy"} <= members.keys() else []
    else:
        values = []
    return (value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str))


def test_every_reason_and_every_problem_of_a_sync_has_its_remedy() -> None:
    codes = codes_of_problems()

    assert {"interrupted", "unusable_row", "linkedin_refused", "task_failed"} <= codes
    told = (*HELD_REASONS, *IGNORED_REASONS, *sorted(codes))
    assert [one for one in told if f"`{one}`" not in TROUBLESHOOTING] == []


def test_the_picture_of_the_parts_has_every_function() -> None:
    picture = (cfn.ROOT / "docs" / "architecture.md").read_text().partition("```mermaid")[2].partition("```")[0]
    functions = {str(one["CodeUri"]).partition("/")[2] for one in cfn.resources("AWS::Serverless::Function").values()}

    assert [name for name in sorted(functions) if not re.search(rf'["\[ ]{name}[",]', picture)] == []


def quoted_commands() -> list[str]:
    """Return the arguments of each `coursebridge` command in the documents, in backticks or in shell blocks."""
    found: set[str] = set()
    for page in PAGES:
        text = page.read_text()
        blocks = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
        found |= set(re.findall(r"`coursebridge ([a-z][^`]*)`", text))
        found |= {line.partition("  #")[0] for line in re.findall(r"^coursebridge (.+)$", blocks, re.MULTILINE)}
    return sorted({command.strip() for command in found})


@pytest.mark.parametrize("command", quoted_commands())
def test_every_command_in_the_documents_is_one(command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Parse the command without running it; prompts get an answer, and the file of people is there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").touch()
    monkeypatch.setattr(TyperOption, "prompt_for_value", lambda _option, _context: "anything")
    words = shlex.split(re.sub(r"<[^>]+>", "ID", command))
    at: Any = typer.main.get_command(app)
    with typer.Context(at) as context:
        while words and hasattr(at, "commands"):
            at = at.commands[words.pop(0)]
        if words or not (hasattr(at, "commands") or is_named_only(command)):
            at.make_context("coursebridge", words, parent=context)


def is_named_only(command: str) -> bool:
    """Tell whether the documents only mention a command, without its required arguments."""
    return command in {
        "assign",
        "clients rotate",
        "credentials",
        "explain",
        "filters include",
        "learners import",
        "runs show",
    }


def test_every_finding_that_is_left_out_of_the_scan_is_argued_and_no_other() -> None:
    left_out = set(yaml.safe_load((cfn.ROOT / ".checkov.yaml").read_text())["skip-check"])
    decision = (cfn.ROOT / "docs" / "decisions" / "0070-what-checkov-finds.md").read_text()

    assert set(re.findall(r"CKV_AWS_\d+", decision)) == left_out
