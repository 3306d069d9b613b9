#!/usr/bin/python3
"""Makes the OpenAPI document and its page from src/rest/openapi/, as a C source.

Usage: openapi.py OUT.c OUT.json VERSION PAGE.html PIECE.yaml...

A piece is YAML with any of `document` (the top of the document), `tag` and `description` (of its
operations), `paths`, `schemas`, `responses`, `parameters` and `path-parameters`. What repeats is
written short and becomes plain OpenAPI 3.1 here:

    who: [T, C]          who may call, of S, T, C; [] for anyone
    query: {name: ...}   query parameters, each a schema with `description` and perhaps `required`
    paged: [name, ...]   the parameters of a page, with what it may be sorted by
    body: X              the JSON body; X is the name of a schema or a schema
    answer: X            the answer of 200, likewise; `nothing`, `text`, `title`, `page of NAME`,
                         `array of NAME`, or a list of which it is one; `elsewhere` is one of 303
    also: {503: X}       answers with other statuses
    refuses: [404, 409]  failures besides those that every operation has
    plain: true          failures are texts once it is known who calls

Parameters in a path are looked up in `path-parameters`. An object schema that says nothing else is
exact: each property is required and no other allowed. Faults in the pieces end the build.
"""

import base64
import hashlib
import json
import pathlib
import re
import sys

import yaml

WHO = {"S": "SYS_ADMIN", "T": "TENANT_ADMIN", "C": "CUSTOMER_USER"}
METHODS = ("get", "post", "put", "delete", "patch")
SHORT = ("who", "query", "paged", "body", "answer", "also", "refuses", "plain")
PLAIN = ("summary", "description", "operationId")
ELSEWHERE = {"description": "The answer is elsewhere.", "headers": {"Location": {
    "description": "Where.", "required": True, "schema": {"type": "string"}}}}
# Failures that have a plain twin.
TWINS = (400, 403, 404, 409, 413, 500, 503)


class Fault(Exception):
    pass


def reference(kind, name):
    return {"$ref": f"#/components/{kind}/{name}"}


def schema_of(wish, schemas):
    """The schema for a name, `page of NAME`, `array of NAME`, a list of them, or a schema."""
    if isinstance(wish, list):
        return {"oneOf": [schema_of(one, schemas) for one in wish]}
    if not isinstance(wish, str):
        return wish
    if wish.startswith("array of "):
        return {"type": "array", "items": reference("schemas", wish.removeprefix("array of "))}
    if wish.startswith("page of "):
        of = wish.removeprefix("page of ")
        wish = f"PageOf{of}"
        schemas.setdefault(wish, {"type": "object", "properties": {
            "data": {"type": "array", "items": reference("schemas", of)},
            "totalPages": {"type": "integer", "minimum": 0},
            "totalElements": {"type": "integer", "format": "int64", "minimum": 0},
            "hasNext": {"type": "boolean"}}})
    return reference("schemas", wish)


def answer_of(wish, schemas):
    if wish == "nothing":
        return {"description": "Done. The body is empty."}
    if wish == "stranger":
        return {"description": "No device has this token. The body is empty."}
    if wish == "unheard":
        return {"description": "Nothing came for the device in time. The body is empty."}
    if wish == "silence":
        return {"description": "Nothing came from the device in time. The body is empty."}
    if wish == "perhaps":
        return {"description": "Any JSON, or an empty body.", "x-may-be-empty": True,
                "content": {"application/json": {"schema": {}}}}
    described = wish.pop("description", None) if isinstance(wish, dict) else None
    if wish == "text":
        return {"description": "A text.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    if wish == "title":
        return {"description": "A title.",
                "content": {"application/text": {"schema": {"type": "string"}}}}
    if wish == "html":
        return {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}
    return {"description": described or "Done.",
            "content": {"application/json": {"schema": schema_of(wish, schemas)}}}


def query_parameter(name, schema):
    schema = dict(schema)
    made = {"name": name, "in": "query", "description": schema.pop("description", "")}
    if schema.pop("required", False):
        made["required"] = True
    if schema.get("type") == "array":
        made.update(style="form", explode=schema.pop("explode", False))
    return {**made, "schema": schema}


def page_parameters(sorts):
    yield from (reference("parameters", name)
                for name in ("pageSize", "page", "textSearch", "sortOrder"))
    yield query_parameter("sortProperty", {
        "description": "What to sort by. Without it the order is that of the ids.",
        "type": "string", "enum": sorts})


def failures(operation):
    numbers = {400, 500, 503, *operation.get("refuses", [])}
    numbers |= {401, 403} if operation["who"] else set()
    numbers |= {411, 413} if "body" in operation else set()
    for number in sorted(numbers):
        plain = operation.get("plain") and number in TWINS
        yield str(number), reference("responses", f"{number}Plain" if plain else str(number))


def operation_of(place, path, short, piece, source):
    """A whole operation from its short form."""
    if unknown := set(short) - set(SHORT) - set(PLAIN):
        raise Fault(f"{place}: unknown {sorted(unknown)}")
    for name in ("summary", "operationId", "who", "answer"):
        if name not in short:
            raise Fault(f"{place}: there is no {name}")
    schemas, parameters = source["schemas"], []
    for name in re.findall(r"{(\w+)}", path):
        if name not in source["path-parameters"]:
            raise Fault(f"{place}: {name} is not in path-parameters")
        parameters.append({"name": name, "in": "path", "required": True,
                           **source["path-parameters"][name]})
    parameters += page_parameters(short["paged"]) if "paged" in short else []
    parameters += [query_parameter(*item) for item in short.get("query", {}).items()]
    made = {"tags": [piece["tag"]], **{name: short[name] for name in PLAIN if name in short}}
    made["x-authorities"] = [WHO[letter] for letter in short["who"]]
    if not short["who"]:
        made["security"] = []
    if parameters:
        made["parameters"] = parameters
    if "body" in short:
        made["requestBody"] = {"required": True, "content": {
            "application/json": {"schema": schema_of(short["body"], schemas)}}}
    answer = ("303", ELSEWHERE) if short["answer"] == "elsewhere" else (
        "200", answer_of(short["answer"], schemas))
    made["responses"] = dict([answer, *failures(short)])
    for status, wish in short.get("also", {}).items():
        made["responses"][str(status)] = answer_of(wish, schemas)
    return made


def close(schema):
    """Makes each object schema below exact that says nothing else."""
    if isinstance(schema, list):
        for item in schema:
            close(item)
    elif isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict) and schema.get("type") == "object":
            schema.setdefault("required", list(properties))
            schema.setdefault("additionalProperties", False)
        for name, item in schema.items():
            if name not in ("example", "enum", "default"):
                close(item)


def check(document):
    """Faults that the short form does not rule out."""
    text = json.dumps(document)
    for target in sorted(set(re.findall(r'"\$ref": "#/components/([^"]+)"', text))):
        kind, name = target.split("/")
        if name not in document["components"].get(kind, {}):
            raise Fault(f"there is no {target}")
    names = re.findall(r'"operationId": "([^"]+)"', text)
    if doubles := {name for name in names if names.count(name) > 1}:
        raise Fault(f"operationId used twice: {sorted(doubles)}")
    for name in document["components"]["schemas"]:
        if f'"#/components/schemas/{name}"' not in text:
            raise Fault(f"the schema {name} is not used")


def merge(pieces, version):
    """The document from pieces, each as read from its file."""
    source = {"schemas": {}, "responses": {}, "path-parameters": {}, "parameters": {}}
    document, tags, paths = {}, [], {}
    for piece in pieces:
        document.update(piece.get("document", {}))
        for kind, known in source.items():
            if doubles := set(known) & set(piece.get(kind, {})):
                raise Fault(f"twice in {kind}: {sorted(doubles)}")
            known.update(piece.get(kind, {}))
    for piece in pieces:
        if "tag" in piece:
            tags.append({"name": piece["tag"], "description": piece["description"]})
        for path, operations in piece.get("paths", {}).items():
            for method, short in operations.items():
                place = f"{method.upper()} {path}"
                if method not in METHODS or method in paths.get(path, {}):
                    raise Fault(f"{place}: no method, or described twice")
                paths.setdefault(path, {})[method] = operation_of(place, path, short, piece, source)
    document["info"]["version"] = version
    del source["path-parameters"]
    made = {**document, "tags": tags, "paths": paths,
            "components": {**source, **document.pop("components")}}
    made["components"].update(source)
    # Through JSON, so that what YAML shared by anchors is not changed twice.
    made = json.loads(json.dumps(made))
    close(made)
    check(made)
    return made


def page(text):
    """The page with the digests of its script and style as its policy."""
    def digest(tag):
        inner = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL).group(1)
        return base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
    policy = (f"default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; "
              f"form-action 'none'; script-src 'sha256-{digest('script')}'; "
              f"style-src 'sha256-{digest('style')}'")
    if text.count("{{policy}}") != 1:
        raise Fault("the page needs {{policy}} once")
    return text.replace("{{policy}}", policy)


def array(name, data):
    lines = [", ".join(map(str, data[i:i + 24])) for i in range(0, len(data), 24)]
    body = ",\n    ".join(lines)
    return (f"static const uint8_t {name}[] = {{\n    {body}}};\n"
            f"const struct slice rest_docs_{name} = {{{name}, sizeof({name})}};\n")


def main():
    source, data, version, html, *pieces = sys.argv[1:]
    try:
        document = merge([yaml.safe_load(pathlib.Path(name).read_text()) for name in pieces],
                         version)
        shown = page(pathlib.Path(html).read_text())
    except Fault as fault:
        sys.exit(f"src/rest/openapi: {fault}")
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    pathlib.Path(data).write_text(text)
    pathlib.Path(source).write_text(
        '// Made by tools/openapi.py.\n#include "rest/docs.h"\n\n'
        + array("document", text.encode()) + "\n" + array("page", shown.encode()))


if __name__ == "__main__":
    main()
