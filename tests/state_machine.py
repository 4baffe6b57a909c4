"""Run the state machine of ``statemachines/sync.asl.yaml`` in this process with the real tasks.

It works as in Step Functions, with three exceptions: retries do not wait, the items of a map run one after the other,
and an error that only ``States.ALL`` matches is raised, because it is a bug or deliberately raised by a test.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

import yaml
from jsonata import Jsonata

import cfn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from coursebridge.storage.run_shapes import Run

DEFINITION: dict[str, Any] = yaml.safe_load((cfn.ROOT / "statemachines" / "sync.asl.yaml").read_text())


class StateMachine:
    """The state machine, for the syncs of one integration.

    Args:
        tasks: The functions of the tasks, by task name.
        context: The first argument of every task.
    """

    def __init__(self, tasks: Mapping[str, Callable[[Any, dict[str, Any]], Any]], context: Any) -> None:
        self.context = context
        self._tasks = tasks
        self._variables: dict[str, Any] = {}

    def run(self, event: dict[str, Any]) -> Run:
        """Run to the end and return the run: the latest one if planning failed, empty if none was started."""
        self._variables = {}
        execution = event.get("execution") or "execution"
        ended = self._walk(DEFINITION, event, {"Execution": {"Id": execution}})
        run_id = self._variables.get("run_id") or event.get("run_id")
        run: Run | None = None
        if run_id:
            run = self.context.runs.get(run_id)
        elif ended == "Failed":
            run = self.context.runs.latest()
        return run or {}

    def task(self, name: str, arguments: dict[str, Any]) -> Any:
        """Run a task once."""
        return self._tasks[name](self.context, arguments)

    def _walk(self, machine: dict[str, Any], given: Any, context: dict[str, Any]) -> str:
        """Walk from state to state and return the name of the last one."""
        name: str | None = machine["StartAt"]
        while name:
            last, state, states = name, machine["States"][name], {"input": given, "context": context}
            match state["Type"]:
                case "Succeed" | "Fail":
                    name = None
                case "Choice":
                    met = (choice["Next"] for choice in state["Choices"] if self._value(choice["Condition"], states))
                    name = next(met, state["Default"])
                case "Map":
                    name, given = self._map(state, states)
                case "Task":
                    name, given = self._do(state, states)
        return last

    def _do(self, state: dict[str, Any], states: dict[str, Any]) -> tuple[str | None, Any]:
        """Run a task with the retries its state allows, and return the next state and its input."""
        arguments = self._value(state["Arguments"], states)
        for attempt in count():
            try:
                result = self.task(arguments["task"], arguments)
                break
            except Exception as error:
                name = type(error).__name__
                if not attempts_after(state, name):
                    raise
                if attempt < attempts_after(state, name):
                    continue
                if "Catch" not in state:
                    raise
                return self._caught(state, states, name)
        states = {**states, "result": result}
        self._variables |= {name: self._value(template, states) for name, template in state.get("Assign", {}).items()}
        output = self._value(state["Output"], states) if "Output" in state else result
        return state.get("Next"), output

    def _map(self, state: dict[str, Any], states: dict[str, Any]) -> tuple[str, Any]:
        for item in self._value(state["Items"], states):
            context = {**states["context"], "Map": {"Item": {"Value": item}}}
            given = self._value(state["ItemSelector"], {**states, "context": context})
            self._walk(state["ItemProcessor"], given, context)
        return state["Next"], self._value(state["Output"], states)

    def _caught(self, state: dict[str, Any], states: dict[str, Any], name: str) -> tuple[str, Any]:
        [catcher] = state["Catch"]
        return catcher["Next"], self._value(catcher["Output"], {**states, "errorOutput": {"Error": name}})

    def _value(self, template: Any, states: dict[str, Any]) -> Any:
        """Return a template with its JSONata expressions evaluated."""
        if isinstance(template, dict):
            return {name: self._value(inner, states) for name, inner in template.items()}
        if not isinstance(template, str) or not template.startswith("{%"):
            return template
        expression = _compiled(template.removeprefix("{%").removesuffix("%}"))
        frame = expression.create_frame()
        for name, value in {**self._variables, "states": states}.items():
            frame.bind(name, value)
        return expression.evaluate(None, frame)


@cache
def _compiled(expression: str) -> Jsonata:
    return Jsonata(expression)


def attempts_after(state: dict[str, Any], error: str) -> int:
    """Return how often a state retries a task after an error that it names."""
    return sum(retrier["MaxAttempts"] for retrier in state["Retry"] if error in retrier["ErrorEquals"])


def states_of(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and definition of every state of a machine, including those inside maps."""
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from states_of(state["ItemProcessor"])
