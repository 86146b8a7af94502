"""Small errors, one at a time: a comparison turned, a sign changed, a number off by one, a branch always taken."""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Mod: ast.Mult,
}  # fmt: skip
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "first": "last"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One error: where it stands, what was done, and the module with it."""

    line: int
    what: str
    tree: ast.Module


def mutants_of(source: str) -> Iterator[Mutant]:
    """Yield the module once for every small error that can be made in it."""
    tree = ast.parse(source)
    for index, node in enumerate(_live(tree)):
        for what, change in _changes(node):
            again = copy.deepcopy(tree)
            change(list(_live(again))[index])
            yield Mutant(_line(node), what, ast.fix_missing_locations(again))


def _line(node: ast.AST) -> int:
    place = node.iter if isinstance(node, ast.comprehension) else node
    return getattr(place, "lineno", 0)


def _live(tree: ast.Module) -> Iterator[ast.AST]:
    """Everything that runs: no annotations, imports, decorators, docstrings, no blocks for the type checker."""
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop(0)
        if isinstance(node, (ast.Import, ast.ImportFrom)) or _is_typing_block(node) or _is_text_alone(node):
            continue
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets
        ):
            continue
        yield node
        for name, value in ast.iter_fields(node):
            if name not in {"annotation", "returns", "decorator_list", "args"} or isinstance(node, ast.Call):
                todo += [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, ast.AST)]


def _is_typing_block(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _is_text_alone(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


Change = tuple[str, "Callable[[ast.AST], None]"]


def _changes(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare):
        yield from _comparisons(node)
    elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _ARITHMETIC:
        other = _ARITHMETIC[type(node.op)]
        yield f"{type(node.op).__name__} -> {other.__name__}", _set("op", other)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__} -> {other.__name__}", _set("op", other)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        yield f"{type(node.op).__name__} left out", _without_sign
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield "always", _condition(value=True)
        yield "never", _condition(value=False)
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
        yield f"{node.func.id} -> {_CALLS[node.func.id]}", _rename(_CALLS[node.func.id])
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield "returns nothing", _set_value
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield "without its condition", _without_condition


def _comparisons(node: ast.Compare) -> Iterator[Change]:
    for position, op in enumerate(node.ops):
        for other in _COMPARE.get(type(op), ()):
            yield f"{type(op).__name__} -> {other.__name__}", _operator(position, other)


def _constants(node: ast.Constant) -> Iterator[Change]:
    value = node.value
    if isinstance(value, bool):
        yield f"{value} -> {not value}", _constant(not value)
    elif isinstance(value, (int, float)):
        yield f"{value} -> {value + 1}", _constant(value + 1)
    elif isinstance(value, str) and value:
        other = f"{value}1" if value.replace(".", "", 1).isdigit() else f"x{value}"
        yield f"{value!r} -> {other!r}", _constant(other)


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _set(name: str, kind: type[ast.AST]) -> Callable[[ast.AST], None]:
    return lambda node: setattr(node, name, kind())


def _operator(position: int, kind: type[ast.cmpop]) -> Callable[[ast.AST], None]:
    def change(node: ast.AST) -> None:
        assert isinstance(node, ast.Compare)
        node.ops[position] = kind()

    return change


def _condition(*, value: bool) -> Callable[[ast.AST], None]:
    return lambda node: setattr(node, "test", ast.Constant(value))


def _constant(value: object) -> Callable[[ast.AST], None]:
    return lambda node: setattr(node, "value", value)


def _rename(name: str) -> Callable[[ast.AST], None]:
    def change(node: ast.AST) -> None:
        assert isinstance(node, ast.Call)
        node.func = ast.Name(name, ast.Load())

    return change


def _without_sign(node: ast.AST) -> None:
    assert isinstance(node, ast.UnaryOp)
    node.op = ast.UAdd() if isinstance(node.op, ast.USub) else ast.Not()
    if isinstance(node.op, ast.Not):
        node.operand = ast.UnaryOp(ast.Not(), node.operand)


def _set_value(node: ast.AST) -> None:
    assert isinstance(node, ast.Return)
    node.value = ast.Constant(None)


def _without_condition(node: ast.AST) -> None:
    assert isinstance(node, ast.comprehension)
    node.ifs = []
