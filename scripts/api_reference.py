"""Write the reference of the public API, ``docs/api/README.md``, from the docstrings of ``cdk_healthomics``.

The package is read, not run: what a class documents stays in its source, the docstrings below fields included.
"""

import argparse
import ast
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "constructs" / "cdk_healthomics"
REFERENCE = ROOT / "docs" / "api" / "README.md"

GROUPS = {
    "Runs": ["WorkflowRun", "IWorkflowRun", "WorkflowRunGrants", "PublishedRun", "RunOverrides", "InvalidRunError"],
    "What a run executes and uses": ["Workflow", "SourceRun", "Storage", "EngineSettings"],
    "Events and metrics": ["RunEvent", "RunRuleOptions", "AnyRunRuleOptions", "RunMetricOptions"],
    "Waiting": ["RunCompletion"],
    "Dashboards and alarms": ["RunDashboard", "RunHistory", "RunAlarmOptions"],
    "The function behind the runs": ["RunProvider"],
    "Choices": [
        "CacheBehavior",
        "LogLevel",
        "NetworkingMode",
        "OnDelete",
        "OutputUriPrefixMode",
        "RetentionMode",
        "RunStatus",
        "ScratchStorageMode",
        "WorkflowType",
    ],
}

_INTRODUCTION = """\
# API reference

Everything that `cdk_healthomics` exports. Written by `python scripts/api_reference.py` from the docstrings; edit those.
"""
_SECTION = re.compile(r"^(Args|Returns|Raises|Example):$")
_NO_FIELDS = frozenset({"scope", "construct_id"})


@dataclass(frozen=True)
class Class:
    """A class of the package, with the classes of the package that it inherits from."""

    node: ast.ClassDef
    bases: tuple["Class", ...]

    @property
    def is_enumeration(self) -> bool:
        """Whether its members are values."""
        return any(ast.unparse(base).endswith("Enum") for base in self.node.bases)

    def members(self) -> dict[str, tuple[ast.stmt, str]]:
        """Public member -> its definition and docstring; inherited ones first."""
        found: dict[str, tuple[ast.stmt, str]] = {}
        for base in self.bases:
            found |= base.members()
        for statement, following in zip(self.node.body, [*self.node.body[1:], None], strict=True):
            match statement:
                case ast.FunctionDef(name=name):
                    text = ast.get_docstring(statement) or ""
                case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                    text = _text(following)
                case _:
                    continue
            if name == "__init__" or not name.startswith("_"):
                found[name] = (statement, text)
        return found


def classes(package: Path = PACKAGE) -> dict[str, Class]:
    """Every class of the package, by name."""
    nodes = {
        node.name: node
        for file in sorted(package.glob("*.py"))
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    }

    def built(node: ast.ClassDef) -> Class:
        names = [ast.unparse(base) for base in node.bases]
        return Class(node, tuple(built(nodes[name]) for name in names if name in nodes))

    return {name: built(node) for name, node in nodes.items()}


def reference() -> str:
    """The whole reference."""
    known = classes()
    contents = "\n".join(
        f"- {group}: {', '.join(f'[`{name}`](#{name.lower()})' for name in names)}" for group, names in GROUPS.items()
    )
    parts = [_INTRODUCTION, contents]
    for group, names in GROUPS.items():
        parts.append(f"## {group}")
        parts += [part for name in names for part in _class(known[name])]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _class(described: Class) -> Iterator[str]:
    yield f"### {described.node.name}"
    yield _markdown(ast.get_docstring(described.node) or "")
    members = described.members()
    if "__init__" in members and (made := members.pop("__init__")) and isinstance(made[0], ast.FunctionDef) and made[1]:
        yield f"#### `{described.node.name}({_signature(made[0])})`"
        yield _markdown(made[1], made[0])
    fields = [_field(name, node, text) for name, (node, text) in members.items() if _is_field(node)]
    if fields:
        yield "\n".join(fields)
    for name, (node, text) in members.items():
        if not _is_field(node) and isinstance(node, ast.FunctionDef):
            yield f"#### `{described.node.name}.{name}({_signature(node)})`"
            yield _markdown(text, node)


def _is_field(node: ast.stmt) -> bool:
    return not isinstance(node, ast.FunctionDef) or any(ast.unparse(each) == "property" for each in node.decorator_list)


def _field(name: str, node: ast.stmt, text: str) -> str:
    match node:
        case ast.FunctionDef(returns=annotation) | ast.AnnAssign(annotation=annotation):
            kind = f": `{_type(annotation)}`"
        case _:
            kind = ""
    return f"- `{name}`{kind}" + (f" — {_inline(text)}" if text else "")


def _signature(node: ast.FunctionDef) -> str:
    positional = [arg.arg for arg in node.args.args if arg.arg not in {"self", "cls"}]
    keywords = ["…"] if node.args.kwonlyargs or node.args.kwarg else []
    return ", ".join([*positional, *(["*", *keywords] if keywords else [])])


def _markdown(docstring: str, function: ast.FunctionDef | None = None) -> str:
    """A docstring of Google's form as Markdown."""
    blocks: list[tuple[str, list[str]]] = [("", [])]
    for line in docstring.splitlines():
        if match := _SECTION.match(line):
            blocks.append((match[1], []))
        elif line and not line.startswith(" ") and blocks[-1][0]:
            blocks.append(("", [line]))
        else:
            blocks[-1][1].append(line)
    parts: list[str] = []
    for kind, lines in blocks:
        body = textwrap.dedent("\n".join(lines)).strip()
        match kind:
            case "Example":
                parts.append(f"```pycon\n{body}\n```")
            case "Args":
                parts.append("\n".join(_argument(entry, function) for entry in _entries(body)))
            case "Raises":
                parts.append("\n".join(f"- raises `{name}`: {_inline(text)}" for name, text in _entries(body)))
            case "Returns":
                parts.append(f"Returns: {_inline(body)}")
            case _:
                parts.append(_code(body))
    return "\n\n".join(part for part in parts if part)


def _entries(body: str) -> list[tuple[str, str]]:
    """``name: text`` entries, continued on indented lines."""
    found = re.split(r"^(\*{0,2}\w+): ", body, flags=re.MULTILINE)[1:]
    return list(zip(found[::2], found[1::2], strict=True))


def _argument(entry: tuple[str, str], function: ast.FunctionDef | None) -> str:
    name, text = entry
    said = ""
    if function is not None:
        arguments = function.args
        annotations = {arg.arg: arg.annotation for arg in [*arguments.args, *arguments.kwonlyargs]}
        required = {arg.arg for arg in arguments.args} | {
            arg.arg for arg, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default is None
        }
        if (annotation := annotations.get(name)) is not None and name not in _NO_FIELDS:
            said = f" (`{_type(annotation)}`{', required' if name in required else ''})"
    return f"- `{name}`{said}: {_inline(text)}"


def _type(annotation: ast.expr | None) -> str:
    if annotation is None:
        return ""
    text = annotation.value if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str) else None
    return (text or ast.unparse(annotation)).replace("'", "").replace("omics_refs.", "").removesuffix(" | None")


def _text(statement: ast.stmt | None) -> str:
    match statement:
        case ast.Expr(value=ast.Constant(value=str() as text)):
            return text
        case _:
            return ""


def _inline(text: str) -> str:
    return _code(" ".join(text.split()))


def _code(text: str) -> str:
    return text.replace("``", "`")


def main() -> int:
    """Write the reference, or say whether the one that is there is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the reference is out of date")
    arguments = parser.parse_args()
    text = reference()
    if arguments.check:
        if REFERENCE.exists() and REFERENCE.read_text(encoding="utf-8") == text:
            return 0
        print(f"{REFERENCE.relative_to(ROOT)} is out of date: python scripts/api_reference.py", file=sys.stderr)
        return 1
    REFERENCE.parent.mkdir(parents=True, exist_ok=True)
    REFERENCE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
