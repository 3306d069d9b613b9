"""Answers against the OpenAPI document: status, media type, headers and the exact shape."""

import functools
import json
import os
import pathlib
import re
import urllib.parse

import jsonschema

import server

# Of a long array this many elements at each end are looked at.
ELEMENTS_MAX = 50
# Answers that the front door gives before it looks for a route.
BEFORE_ROUTES = (400, 411, 413, 500, 503)


class Mismatch(AssertionError):
    pass


def shorten(value):
    """A value without the middle of its long arrays."""
    if isinstance(value, list):
        if len(value) > 2 * ELEMENTS_MAX:
            value = value[:ELEMENTS_MAX] + value[-ELEMENTS_MAX:]
        return [shorten(element) for element in value]
    if isinstance(value, dict):
        return {name: shorten(member) for name, member in value.items()}
    return value


class Document:
    def __init__(self, content):
        self.content = content
        self.validators = {}
        self.seen = set()  # (method, path, status) of described answers that were exact
        self.patterns = []
        for path in content["paths"]:
            parts = re.split(r"{\w+}", path)
            pattern = re.compile("([^/]+)".join(re.escape(part) for part in parts))
            # Of those that fit the one with the fewest parameters counts.
            self.patterns.append((len(parts), pattern, path))
        self.patterns.sort(key=lambda entry: entry[0])

    def paths_of(self, url):
        """The described paths that fit a URL, the most literal first."""
        path = urllib.parse.unquote(url.split("?")[0], errors="replace")
        return [name for _, pattern, name in self.patterns if pattern.fullmatch(path)]

    def methods_of(self, paths):
        methods = {method.upper() for path in paths for method in self.content["paths"][path]}
        return methods | ({"HEAD"} if "GET" in methods else set()) | {"OPTIONS"}

    def resolve(self, thing):
        if "$ref" in thing:
            kind, name = thing["$ref"].split("/")[-2:]
            return self.content["components"][kind][name]
        return thing

    def response_of(self, method, url, status):
        """What the document says of an answer; None if it says nothing."""
        paths = self.paths_of(url)
        shared = self.content["components"]["responses"]
        for path in paths:
            operation = self.content["paths"][path].get(method.lower())
            if operation is not None:
                return self.resolve(operation["responses"].get(str(status), {})) or None
        if paths and urllib.parse.urlsplit(url).path in ("/api/auth/login", "/api/auth/token"):
            known = (401, *BEFORE_ROUTES)  # upstream's log-in does not know 405
        else:
            known = (405 if paths else 404, *BEFORE_ROUTES)
        return shared[str(status)] if status in known else None

    def validator(self, schema):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            # References begin at the root, so the root comes along.
            whole = {**schema, "components": self.content["components"]}
            self.validators[key] = jsonschema.Draft202012Validator(whole)
        return self.validators[key]

    def check(self, method, url, answer):
        """Raises Mismatch unless the document describes this answer exactly."""
        place = f"{method} {url.split('?')[0]} {answer.status}"
        if method == "HEAD":
            assert answer.body == b"", f"{place}: HEAD with a body"
            return
        if method == "OPTIONS" and self.paths_of(url):
            self.check_allow(place, url, answer)
            return
        response = self.response_of(method, url, answer.status)
        if response is None:
            raise Mismatch(f"{place}: the OpenAPI document does not know this: {answer}")
        for name, header in response.get("headers", {}).items():
            if header.get("required") and name not in answer.headers:
                raise Mismatch(f"{place}: the header {name} is missing")
        if answer.status == 405:
            self.check_allow(place, url, answer)
        if answer.body or not response.get("x-may-be-empty"):
            self.check_body(place, response.get("content", {}), answer)
        self.note(method, url, answer.status)

    def note(self, method, url, status):
        """Remembers that an operation gave this answer, if the answer is the operation's own."""
        for path in self.paths_of(url):
            operation = self.content["paths"][path].get(method.lower())
            if operation is not None:
                if str(status) in operation["responses"]:
                    self.seen.add((method, path, status))
                return

    def check_allow(self, place, url, answer):
        allow = set((answer.headers["Allow"] or "").split(", "))
        if allow != self.methods_of(self.paths_of(url)):
            raise Mismatch(f"{place}: Allow is {sorted(allow)}")

    def check_body(self, place, content, answer):
        if not content:
            if answer.body:
                raise Mismatch(f"{place}: a body where none is described: {answer}")
            return
        kind = (answer.headers["Content-Type"] or "").split(";")[0].strip()
        if kind not in content:
            raise Mismatch(f"{place}: {kind!r} is none of {sorted(content)}")
        if kind != "application/json":
            answer.body.decode()
            return
        validator = self.validator(content[kind]["schema"])
        error = jsonschema.exceptions.best_match(validator.iter_errors(shorten(answer.json())))
        if error is not None:
            raise Mismatch(f"{place}: {error.json_path}: {error.message}")


@functools.cache
def document():
    """The document of the build under test."""
    file = server.binary().parent.parent / "rest" / "openapi.json"
    return Document(json.loads(file.read_text()))


# A run of all tests in several processes: each leaves what it saw in a directory.

def leave_seen(directory):
    if document.cache_info().currsize > 0:
        file = pathlib.Path(directory) / f"{os.getpid()}.json"
        file.write_text(json.dumps(sorted(document().seen)))


def gather_seen(directory):
    files = pathlib.Path(directory).glob("*.json")
    return {tuple(answer) for file in files for answer in json.loads(file.read_text())}
