"""YAML text as plain values that remember their lines."""

from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path = tuple[str | int, ...]

NULL = "tag:yaml.org,2002:null"
INT = "tag:yaml.org,2002:int"
FLOAT = "tag:yaml.org,2002:float"
BOOL = "tag:yaml.org,2002:bool"


class NotYaml(ValueError):
    """The text is not YAML; ``line`` counts from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


class Lines:
    """The tree of a YAML text: what it says, and on which line each part begins.

    Scalars are kept as text (only an empty one, ``~`` and ``null`` are none at all), since
    YAML's own guesses turn staff numbers into integers and lose the place of a wrong date.
    """

    def __init__(self, text: str) -> None:
        try:
            self._root: Node | None = YAML(typ="safe", pure=True).compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark is not None else 1
            raise NotYaml(line, str(error.problem or error)) from None

    def content(self) -> Any:
        """Return the whole as dicts, lists, texts and None; a key given twice is refused."""
        return None if self._root is None else _plain(self._root)

    def typed(self, path: Path) -> Any:
        """Return one part with YAML's own numbers and booleans."""
        node = self._root
        for step in path:
            node = _child(node, step)
        return None if node is None else _typed(node)

    def line(self, path: Path, *, of_key: bool = False) -> int:
        """Return the line of the value at the path, or of its key; where the path leads to
        nothing, that of the last part that is there."""
        node, line = self._root, 1
        for n, step in enumerate(path):
            if of_key and n == len(path) - 1 and isinstance(node, MappingNode):
                for key, _value in node.value:
                    if key.value == step:
                        return int(key.start_mark.line) + 1
            child = _child(node, step)
            if child is None:
                break
            node, line = child, int(child.start_mark.line) + 1
        return line


def _child(node: Node | None, step: str | int) -> Node | None:
    if isinstance(node, MappingNode):
        found: Iterator[Node] = (value for key, value in node.value if key.value == step)
        return next(found, None)
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step]  # type: ignore[no-any-return]
    return None


def _plain(node: Node) -> Any:
    if isinstance(node, ScalarNode):
        return None if node.tag == NULL else node.value
    if isinstance(node, SequenceNode):
        return [_plain(each) for each in node.value]
    content: dict[str, Any] = {}
    for key, value in node.value:
        line = int(key.start_mark.line) + 1
        if not isinstance(key, ScalarNode):
            raise NotYaml(line, "a key must be a plain word")
        if key.value in content:
            raise NotYaml(line, f"the key {key.value!r} stands here twice")
        content[key.value] = _plain(value)
    return content


def _typed(node: Node) -> Any:
    if isinstance(node, SequenceNode):
        return [_typed(each) for each in node.value]
    if isinstance(node, MappingNode):
        return {key.value: _typed(value) for key, value in node.value}
    match node.tag:
        case tag if tag == NULL:
            return None
        case tag if tag == INT:
            return int(node.value, 0)
        case tag if tag == FLOAT:
            return float(node.value)
        case tag if tag == BOOL:
            return node.value.lower() == "true"
    return node.value
