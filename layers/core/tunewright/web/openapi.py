"""Describes the API as OpenAPI 3.1, from the same table by which requests find their route."""

from typing import Any

from tunewright.domain.form import RulesForm, StudyForm
from tunewright.web.routes import PLACES, Parameter, Route

APPROVAL_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["answer", "plan_hash"],
    "properties": {
        "answer": {"type": "string", "enum": ["approve", "reject"]},
        "plan_hash": {"type": "string", "minLength": 1, "maxLength": 64},
    },
}
_FORMS: dict[str, dict[str, Any]] = {
    "answer": {
        "type": "object",
        "required": ["answer"],
        "properties": {"answer": {"type": "string", "enum": ["approve", "reject"]}},
    },
    "slack": {
        "type": "object",
        "required": ["payload"],
        "properties": {"payload": {"type": "string", "description": "JSON, as Slack sends it."}},
    },
}
_ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["error", "message", "details", "request_id"],
    "properties": {
        "error": {"type": "string", "description": "A stable code."},
        "message": {"type": "string"},
        "details": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"where": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "request_id": {"type": "string"},
    },
}
_SPEC_ERRORS = {
    400: "The body cannot be read.",
    403: "The profile does not allow it.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "Something is wrong with the spec; every problem is told.",
}
_BODY_ERRORS = {status: _SPEC_ERRORS[status] for status in (400, 413, 415)}


def describe(routes: tuple[Route, ...], version: str) -> dict[str, Any]:
    """Describe routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    study = StudyForm.model_json_schema(ref_template="#/components/schemas/{model}")
    rules = RulesForm.model_json_schema(ref_template="#/components/schemas/{model}")
    definitions = {**study.pop("$defs", {}), **rules.pop("$defs", {})}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tunewright", "version": version},
        "paths": paths,
        "components": {
            "schemas": {**definitions, "Study": study, "Rules": rules, "Error": _ERROR_SCHEMA},
            "securitySchemes": {
                "sigv4": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "AWS Signature Version 4, service execute-api.",
                }
            },
        },
        "security": [{"sigv4": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    answers = dict(route.answers)
    operation: dict[str, Any] = {"operationId": route.name, "summary": route.about}
    parameters = [_place(name) for name in route.places]
    parameters += [_parameter(each) for each in route.parameters]
    if parameters:
        operation["parameters"] = parameters
    if any(each.where == "query" or each.required for each in route.parameters):
        answers.setdefault(400, "A parameter is missing or has no such value.")
    if route.body == "spec":
        answers = {**_SPEC_ERRORS, **answers}
        operation["requestBody"] = _json({"$ref": "#/components/schemas/Study"})
    elif route.body == "rules":
        answers = {**_BODY_ERRORS, **answers}
        operation["requestBody"] = _json({"$ref": "#/components/schemas/Rules"})
    elif route.body == "approval":
        answers = {**_BODY_ERRORS, **answers}
        operation["requestBody"] = _json(APPROVAL_SCHEMA)
    elif route.body in _FORMS:
        answers = {**_BODY_ERRORS, **answers}
        if route.body == "slack":  # Slack's signature is what counts, not what it calls the body.
            del answers[415]
        form = {"schema": _FORMS[route.body]}
        content = {"application/x-www-form-urlencoded": form}
        operation["requestBody"] = {"required": True, "content": content}
    answers[500] = "Something went wrong here; it may be tried again."
    operation["responses"] = {
        str(status): _answer(route, status, answers[status]) for status in sorted(answers)
    }
    if not route.signed:
        operation["security"] = []
    return operation


def _place(name: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": f"^{PLACES[name]}$"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.required,
        "description": parameter.about,
        "schema": parameter.schema,
    }


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _answer(route: Route, status: int, about: str) -> dict[str, Any]:
    if not route.signed and (status >= 400 or route.media == "text/html"):
        return {"description": about, "content": {"text/html": {"schema": {"type": "string"}}}}
    schema: dict[str, Any] = {"type": "object"}
    if status >= 400:
        schema = {"$ref": "#/components/schemas/Error"}
    return {"description": about, "content": {route.media: {"schema": schema}}}
