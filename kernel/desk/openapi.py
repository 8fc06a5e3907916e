"""The description of the routes, OpenAPI 3.1, made from their rows and structs. Pure.

What a struct's docstring says of an attribute is the description of the field.
"""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from kernel.desk.fields import kind_of
from kernel.desk.route import Route
from kernel.http.client import ACTOR, ROLE

SCHEMAS = "#/components/schemas/{name}"
_ATTRIBUTE = re.compile(r"^ {4}([a-z_, ]+): (.*(?:\n {8}.*)*)", re.MULTILINE)
"""A line of the section ``Attributes:`` of a docstring, and those that go on with it."""


class Refusal(msgspec.Struct, frozen=True):
    """Why a request is not taken.

    Attributes:
        error: what is wrong, and the fix.
        field: which field.
    """

    error: str
    field: str | UnsetType = UNSET


REFUSALS = {
    "Unreadable": (400, "The body is no JSON object."),
    "Unauthorized": (401, "The operator's token is missing or wrong."),
    "Forbidden": (
        403,
        f"The role in `{ROLE}` may not do this, or that header or `{ACTOR}` is "
        "wrong; without them the token may do all.",
    ),
    "TooLarge": (413, "The body is too large."),
    "WrongField": (422, "A field is wrong; the error names it and the fix."),
    "Away": (503, "The database or the log is away; nothing is lost, try again."),
}
"""What every route may answer (those of fields and bodies, where it has some)."""

_OF_BODY, _OF_FIELDS = frozenset({"Unreadable", "TooLarge"}), frozenset({"WrongField"})


def describe(title: str, description: str, routes: Sequence[Route[Any, Any]]) -> dict[str, Any]:
    """The document."""
    types = dict.fromkeys((Refusal, *(route.answers for route in routes)))
    schemas, components = msgspec.json.schema_components(list(types), ref_template=SCHEMAS)
    told = dict(zip(types, schemas, strict=True))
    for name, component in components.items():
        _say_attributes(component)
        if "properties" in component and name != Refusal.__name__:
            component["required"] = list(component["properties"])  # of an answer, all are there
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operation = _describe_route(route, told[route.answers], told[Refusal])
        if route.has_body:
            components[route.asks.__name__] = _describe_body(route)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": "1",
            "description": description,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "http://127.0.0.1:9100"}],
        "security": [{"operatorToken": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"operatorToken": {"type": "http", "scheme": "bearer"}},
            "responses": {
                name: _respond(said, told[Refusal]) for name, (_, said) in REFUSALS.items()
            },
            "schemas": components,
        },
    }


def name_operation(route: Route[Any, Any]) -> str:
    """``add_donation`` is ``addDonation``."""
    first, *others = route.function.__name__.split("_")
    return first + "".join(word.capitalize() for word in others)


def _describe_route(
    route: Route[Any, Any], answer: Mapping[str, Any], refusal: Mapping[str, Any]
) -> dict[str, Any]:
    left_out = (frozenset() if route.has_body else _OF_BODY) | (
        frozenset() if msgspec.structs.fields(route.asks) else _OF_FIELDS
    )
    responses = {str(status): _respond(said, answer) for status, said in route.done.items()}
    responses |= {
        str(status): {"$ref": f"#/components/responses/{name}"}
        for name, (status, _) in REFUSALS.items()
        if name not in left_out
    }
    responses |= {str(status): _respond(said, refusal) for status, said in route.refuses.items()}
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": name_operation(route),
        "responses": responses,
    }
    if parameters := _describe_parameters(route):
        operation["parameters"] = parameters
    if route.has_body:
        schema = {"$ref": SCHEMAS.format(name=route.asks.__name__)}
        required = any(field.required for field in _beside_path(route))
        operation["requestBody"] = {"required": required, "content": _as_json(schema)}
    return operation


def _describe_parameters(route: Route[Any, Any]) -> list[dict[str, Any]]:
    properties = _describe_struct(route.asks)["properties"]
    return [
        {
            "name": field.encode_name,
            "in": "path" if field.encode_name in route.in_path else "query",
            "required": field.required,
            "schema": properties[field.encode_name],
        }
        for field in msgspec.structs.fields(route.asks)
        if not route.has_body or field.encode_name in route.in_path
    ]


def _describe_body(route: Route[Any, Any]) -> dict[str, Any]:
    schema = _describe_struct(route.asks)
    names = [field.encode_name for field in _beside_path(route)]
    return schema | {
        "properties": {name: schema["properties"][name] for name in names},
        "required": [name for name in schema["required"] if name in names],
    }


def _beside_path(route: Route[Any, Any]) -> list[msgspec.structs.FieldInfo]:
    fields = msgspec.structs.fields(route.asks)
    return [field for field in fields if field.encode_name not in route.in_path]


def _describe_struct(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """A request's schema: of what a kind reads, the kind's own."""
    _, components = msgspec.json.schema_components([struct], ref_template=SCHEMAS)
    schema: dict[str, Any] = components[struct.__name__]
    for field in msgspec.structs.fields(struct):
        if (found := kind_of(field)) is not None:
            schema["properties"][field.encode_name] = dict(found.schema)
    _say_attributes(schema)
    return schema


def _say_attributes(schema: dict[str, Any]) -> None:
    """Take the section ``Attributes:`` out of the description, each line to its field."""
    said, _, section = inspect.cleandoc(schema.get("description", "")).partition("\n\nAttributes:")
    if said:
        schema["description"] = said
    for names, words in _ATTRIBUTE.findall(section):
        for name in names.split(", "):
            described = schema.get("properties", {}).get(name)
            if described is not None:
                described["description"] = " ".join(words.split())


def _respond(said: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": said, "content": _as_json(schema)}


def _as_json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
