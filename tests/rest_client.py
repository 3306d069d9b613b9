"""REST as one logged-in user. Each answer is checked against the OpenAPI document."""

import http.client
import json
import time
import urllib.parse

import openapi_check

TENANT = ("tenant@thingsboard.org", "tenant")
CUSTOMER = ("customer@thingsboard.org", "customer")
SYSADMIN = ("sysadmin@thingsboard.org", "sysadmin")


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:400]!r}"


class Rest:
    """Calls below the server's address; `token` goes along when there is one."""

    def __init__(self, port, token=None):
        self.port = port
        self.token = token
        self.refresh_token = None

    def log_in(self, email, password):
        pair = self.ok("POST", "/api/auth/login", {"username": email, "password": password})
        self.token, self.refresh_token = pair["token"], pair["refreshToken"]
        return self

    def call(self, method, path, body=None, query=None, headers=None):
        """One request: Answer. `body`: bytes as they are, anything else as JSON. OSError when the
        server ends meanwhile."""
        if query:
            path += "?" + urllib.parse.urlencode(query)
        sent = {"Accept": "application/json", **(headers or {})}
        if self.token is not None:
            sent.setdefault("X-Authorization", f"Bearer {self.token}")
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            try:
                connection.request(method, path, body, sent)
            except (BrokenPipeError, ConnectionResetError):
                if connection.sock is None:
                    raise
                # Refused before all of the body was sent; the answer is there.
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except http.client.IncompleteRead as fault:
            raise ConnectionResetError("the answer has no end") from fault
        finally:
            connection.close()
        openapi_check.document().check(method, path, answer)
        return answer

    def ok(self, method, path, body=None, query=None):
        """What a call that must succeed answers, as JSON; None without body."""
        answer = self.call(method, path, body, query)
        assert answer.status == 200, f"{method} {path}: {answer}"
        return answer.json() if answer.body else None

    def get(self, path, **query):
        return self.ok("GET", path, query=query)

    def post(self, path, body, **query):
        return self.ok("POST", path, body, query)

    def delete(self, path):
        return self.ok("DELETE", path)

    def device_named(self, name):
        """The id of a device."""
        return self.get("/api/tenant/devices", deviceName=name)["id"]["id"]

    def create_device(self, name, token, **more):
        """A new device with this access token: its id."""
        return self.post("/api/device", {"name": name, **more}, accessToken=token)["id"]["id"]

    def series(self, device, **query):
        return self.get(f"/api/plugins/telemetry/DEVICE/{device}/values/timeseries", **query)

    def latest(self, device, *keys):
        """{key: value} with the types in which they are stored."""
        wish = {"keys": ",".join(keys)} if keys else {}
        found = self.series(device, useStrictDataTypes="true", **wish)
        return {key: points[0]["value"] for key, points in found.items()}

    def keys(self, device):
        return self.get(f"/api/plugins/telemetry/DEVICE/{device}/keys/timeseries")

    def points(self, device, key, start=0, end=None, limit=100000):
        """[(ts, value)] of a key, oldest first."""
        end = int(time.time() * 1000) + 3600_000 if end is None else end
        found = self.series(device, keys=key, startTs=start, endTs=end, limit=limit, orderBy="ASC",
                            useStrictDataTypes="true")
        return [(point["ts"], point["value"]) for point in found.get(key, [])]

    def wait_for_points(self, device, key, count, seconds=10):
        """The points of a key once there are `count`, for what was not acknowledged."""
        end = time.monotonic() + seconds
        while len(found := self.points(device, key)) < count and time.monotonic() < end:
            time.sleep(0.05)
        return found
