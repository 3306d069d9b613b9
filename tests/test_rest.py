"""REST as programs use it: log-in, rights, devices, credentials, shapes and refusals."""

import base64
import json
import re
import time

import pytest

import shapes
from raw_coap import RawClient
from rest_client import CUSTOMER, SYSADMIN, TENANT, Rest
from shapes import NULL_ID, check

NOBODY = "b8e8f1a0-0000-11ef-8000-000000000000"
DENIED = "You don't have permission to perform this operation!"


def refused(answer, status, code, message=None):
    """Asserts the whole of an error object."""
    assert answer.status == status, answer
    error = answer.json()
    check(error, shapes.ERROR)
    assert (error["status"], error["errorCode"]) == (status, code), error
    assert abs(error["timestamp"] - time.time() * 1000) < 60_000
    if message is not None:
        assert error["message"] == message
    assert answer.headers["Content-Type"].startswith("application/json")


@pytest.fixture(scope="module")
def customer(server):
    return Rest(server.http_port).log_in(*CUSTOMER)


@pytest.fixture(scope="module")
def sysadmin(server):
    return Rest(server.http_port).log_in(*SYSADMIN)


@pytest.fixture
def anyone(server):
    return Rest(server.http_port)


@pytest.fixture
def assigned(rest, customer, device):
    """A device of the customer."""
    own = customer.get("/api/auth/user")["customerId"]["id"]
    rest.post(f"/api/customer/{own}/device/{device.id}", None)
    return device


# Log-in.

def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_log_in_answers_a_pair_of_tokens(anyone):
    before = int(time.time())
    pair = anyone.post("/api/auth/login", dict(zip(("username", "password"), TENANT)))
    check(pair, shapes.TOKENS)
    access, refresh = claims(pair["token"]), claims(pair["refreshToken"])
    # The demo accounts have no first and last name: those two claims are left out.
    assert set(access) == {"sub", "userId", "scopes", "sessionId", "exp", "iss", "iat", "enabled",
                           "isPublic", "tenantId", "customerId"}
    assert set(refresh) == {"sub", "userId", "scopes", "sessionId", "exp", "iss", "iat", "isPublic",
                            "jti"}
    assert access["sub"] == refresh["sub"] == TENANT[0]
    assert access["scopes"] == ["TENANT_ADMIN"]
    assert refresh["scopes"] == ["REFRESH_TOKEN"]
    assert access["iss"] == refresh["iss"] == "thingsboard.io"
    assert access["sessionId"] == refresh["sessionId"]
    assert before <= access["iat"] <= time.time()
    assert access["exp"] - access["iat"] == 9000
    assert refresh["exp"] - refresh["iat"] == 604800


@pytest.mark.parametrize("account,authority", [
    (TENANT, "TENANT_ADMIN"), (CUSTOMER, "CUSTOMER_USER"), (SYSADMIN, "SYS_ADMIN"),
    (("customerA@thingsboard.org", "customer"), "CUSTOMER_USER"),
    (("customerB@thingsboard.org", "customer"), "CUSTOMER_USER"),
    (("customerC@thingsboard.org", "customer"), "CUSTOMER_USER"),
])
def test_each_demo_account_logs_in_and_reads_itself(anyone, account, authority):
    user = anyone.log_in(*account).get("/api/auth/user")
    check(user, shapes.USER)
    assert (user["email"], user["name"], user["authority"]) == (account[0], account[0], authority)
    assert (user["customerId"]["id"] == NULL_ID) == (authority != "CUSTOMER_USER")
    assert (user["tenantId"]["id"] == NULL_ID) == (authority == "SYS_ADMIN")


@pytest.mark.parametrize("body", [
    {"username": TENANT[0], "password": "wrong"}, {"username": "no@body.org", "password": "wrong"},
])
def test_wrong_log_in_is_401_whether_the_user_exists_or_not(anyone, body):
    refused(anyone.call("POST", "/api/auth/login", body), 401, 10, "Invalid username or password")


@pytest.mark.parametrize("body", [{}, {"username": "x"}, {"password": "x"}, {"username": 1}])
def test_log_in_without_both_parts_is_401(anyone, body):
    refused(anyone.call("POST", "/api/auth/login", body), 401, 10)


@pytest.mark.parametrize("body", [[], b"{", b""])
@pytest.mark.parametrize("path", ["/api/auth/login", "/api/auth/token"])
def test_log_in_that_is_no_object_is_400(anyone, path, body):
    refused(anyone.call("POST", path, body), 400, 31)


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/auth/token"])
def test_log_in_by_another_method_is_401(anyone, path):
    refused(anyone.call("GET", path), 401, 10, "Authentication method not supported")


def test_wrong_log_ins_are_limited_for_that_user_only(anyone):
    wrong = {"username": "guessed@thingsboard.org", "password": "wrong"}
    answers = [anyone.call("POST", "/api/auth/login", wrong) for _ in range(12)]
    assert [answer.status for answer in answers[:10]] == [401] * 10
    refused(answers[11], 429, 33)
    again = {**wrong, "username": wrong["username"].upper()}
    refused(anyone.call("POST", "/api/auth/login", again), 429, 33)
    assert anyone.log_in(*TENANT).get("/api/auth/user")["email"] == TENANT[0]


def test_refresh_gives_a_new_pair_that_works(anyone):
    anyone.log_in(*TENANT)
    pair = anyone.post("/api/auth/token", {"refreshToken": anyone.refresh_token})
    check(pair, shapes.TOKENS)
    assert pair["refreshToken"] != anyone.refresh_token
    assert Rest(anyone.port, pair["token"]).get("/api/auth/user")["email"] == TENANT[0]


def test_an_access_token_does_not_refresh_and_a_refresh_token_gives_no_access(anyone):
    anyone.log_in(*TENANT)
    refused(anyone.call("POST", "/api/auth/token", {"refreshToken": anyone.token}), 401, 10)
    refused(Rest(anyone.port, anyone.refresh_token).call("GET", "/api/auth/user"), 401, 10)


@pytest.mark.parametrize("body", [{}, {"refreshToken": ""}, {"refreshToken": "garbage"}])
def test_refresh_without_a_token_is_401(anyone, body):
    answer = anyone.call("POST", "/api/auth/token", body)
    assert answer.status == 401
    check(answer.json(), shapes.ERROR)


def test_log_out_ends_all_tokens_of_the_session_and_no_other(anyone):
    anyone.log_in(*TENANT)
    other = Rest(anyone.port).log_in(*TENANT)
    answer = anyone.call("POST", "/api/auth/logout", {})
    assert (answer.status, answer.body) == (200, b"")
    refused(anyone.call("GET", "/api/auth/user"), 401, 11, "Token has expired")
    refused(anyone.call("POST", "/api/auth/token", {"refreshToken": anyone.refresh_token}), 401, 11)
    assert other.get("/api/auth/user")["email"] == TENANT[0]


def test_token_may_stand_in_authorization(anyone):
    token = Rest(anyone.port).log_in(*TENANT).token
    answer = anyone.call("GET", "/api/auth/user", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 200


def test_missing_token_is_401(anyone):
    refused(anyone.call("GET", "/api/auth/user"), 401, 10, "Authentication failed")


def altered(token, which):
    parts = token.split(".")
    parts[which] = ("B" if parts[which][0] == "A" else "A") + parts[which][1:]
    return ".".join(parts)


def unsigned(token):
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return f"{head}.{token.split('.')[1]}."


@pytest.mark.parametrize("spoil", [
    lambda token: "garbage", lambda token: "", lambda token: token.rsplit(".", 1)[0],
    lambda token: "x" * 5000, lambda token: "ü",
], ids=["garbage", "empty", "no-signature", "huge", "not-ascii"])
def test_token_that_is_malformed_is_401(rest, spoil):
    headers = {"X-Authorization": f"Bearer {spoil(rest.token)}".encode()}
    refused(Rest(rest.port).call("GET", "/api/auth/user", headers=headers), 401, 10)


@pytest.mark.parametrize("spoil", [
    lambda token: altered(token, 1), lambda token: altered(token, 2),
    lambda token: token.rsplit(".", 1)[0] + "." + "A" * 86,
], ids=["claims", "signature", "other-signature"])
def test_token_that_we_did_not_sign_is_401_and_over(rest, spoil):
    refused(Rest(rest.port, spoil(rest.token)).call("GET", "/api/auth/user"), 401, 11,
            "Token has expired")


@pytest.mark.parametrize("spoil", [lambda token: altered(token, 0), unsigned,
                                   lambda token: "a.b.c"], ids=["head", "unsigned", "short"])
def test_token_of_another_kind_is_401(rest, spoil):
    answer = Rest(rest.port, spoil(rest.token)).call("GET", "/api/auth/user")
    refused(answer, 401, answer.json()["errorCode"])
    assert answer.json()["errorCode"] in (10, 11)


def test_token_ends_with_its_life_and_the_refresh_token_goes_on(place):
    server = place.server(settings=["auth.token-life=1s"])
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)
    assert rest.get("/api/auth/user")["email"] == TENANT[0]
    time.sleep(2.1)
    refused(rest.call("GET", "/api/auth/user"), 401, 11, "Token has expired")
    rest.token = None
    pair = rest.post("/api/auth/token", {"refreshToken": rest.refresh_token})
    assert Rest(server.http_port, pair["token"]).get("/api/auth/user")["email"] == TENANT[0]


def test_new_password_ends_older_sessions(place):
    server = place.server()
    server.start()
    rest = Rest(server.http_port).log_in(*CUSTOMER)
    change = {"currentPassword": "wrong", "newPassword": "another one"}
    refused(rest.call("POST", "/api/auth/changePassword", change), 400, 31)
    time.sleep(1.1)  # claims count seconds
    pair = rest.post("/api/auth/changePassword", {**change, "currentPassword": CUSTOMER[1]})
    check(pair, shapes.TOKENS)
    refused(rest.call("GET", "/api/auth/user"), 401, 11)
    assert Rest(server.http_port, pair["token"]).get("/api/auth/user")["email"] == CUSTOMER[0]
    old = {"username": CUSTOMER[0], "password": CUSTOMER[1]}
    refused(Rest(server.http_port).call("POST", "/api/auth/login", old), 401, 10)
    Rest(server.http_port).log_in(CUSTOMER[0], "another one")


# Shapes, and who may see them.

def test_device_shapes(rest, device):
    check(rest.get(f"/api/device/{device.id}"), shapes.DEVICE)
    check(rest.get(f"/api/device/info/{device.id}"), shapes.DEVICE_INFO)
    check(rest.get("/api/tenant/device", deviceName=device.name), shapes.DEVICE)
    check(rest.get("/api/tenant/devices", pageSize=100, page=0), shapes.page(shapes.DEVICE))
    check(rest.get("/api/tenant/deviceInfos", pageSize=100, page=0),
          shapes.page(shapes.DEVICE_INFO))
    check(rest.get(f"/api/device/{device.id}/credentials"), shapes.CREDENTIALS)


def test_a_customer_changed_meanwhile_is_not_overwritten(rest):
    first = rest.post("/api/customer", {"title": "versions"})
    second = rest.post("/api/customer", {**first, "city": "Here"})
    assert (second["city"], second["version"]) == ("Here", first["version"] + 1)
    for version in (first["version"], 0):
        refused(rest.call("POST", "/api/customer", {**first, "version": version}), 409, 35)
    refused(rest.call("POST", "/api/customer", {**first, "version": "new"}), 400, 31)
    without = {key: value for key, value in first.items() if key != "version"}
    assert rest.post("/api/customer", {**without, "city": "There"})["city"] == "There"


def test_customer_shapes(rest, assigned):
    page = rest.get("/api/customers", pageSize=100, page=0)
    check(page, shapes.page(shapes.CUSTOMER))
    titles = {customer["title"]: customer["id"]["id"] for customer in page["data"]}
    assert {"Customer A", "Customer B", "Customer C"} <= set(titles)
    own = titles["Customer A"]
    check(rest.get(f"/api/customer/{own}"), shapes.CUSTOMER)
    check(rest.get("/api/tenant/customers", customerTitle="Customer A"), shapes.CUSTOMER)
    devices = rest.get(f"/api/customer/{own}/devices", pageSize=1000, page=0)
    check(devices, shapes.page(shapes.DEVICE))
    assert assigned.name in [found["name"] for found in devices["data"]]
    infos = rest.get(f"/api/customer/{own}/deviceInfos", pageSize=1000, page=0)
    check(infos, shapes.page(shapes.DEVICE_INFO))
    assert {found["customerTitle"] for found in infos["data"]} == {"Customer A"}
    users = rest.get(f"/api/customer/{own}/users", pageSize=10, page=0)
    check(users, shapes.page(shapes.USER))
    assert {user["email"] for user in users["data"]} == {CUSTOMER[0], "customerA@thingsboard.org"}


def test_customer_is_created_and_deleted(rest):
    made = rest.post("/api/customer", {"title": f"made {time.time_ns()}", "city": "Kyiv"})
    check(made, shapes.CUSTOMER)
    assert (made["city"], made["country"]) == ("Kyiv", None)
    path = f"/api/customer/{made['id']['id']}"
    assert rest.get(path) == made
    rest.delete(path)
    refused(rest.call("GET", path), 404, 32)


def test_user_and_tenant_shapes(rest, sysadmin):
    user = rest.get("/api/auth/user")
    check(rest.get(f"/api/user/{user['id']['id']}"), shapes.USER)
    check(rest.get("/api/users", pageSize=10, page=0), shapes.page(shapes.USER))
    tenant = f"/api/tenant/{user['tenantId']['id']}"
    check(rest.get(tenant), shapes.TENANT)
    assert sysadmin.get(tenant) == rest.get(tenant)


def test_profile_shapes(rest):
    page = rest.get("/api/deviceProfiles", pageSize=10, page=0)
    check(page, shapes.page(shapes.PROFILE))
    assert {"default", "thermostat"} <= {profile["name"] for profile in page["data"]}
    one = page["data"][0]["id"]["id"]
    check(rest.get(f"/api/deviceProfile/{one}"), shapes.PROFILE)
    check(rest.get(f"/api/deviceProfileInfo/{one}"), shapes.PROFILE_INFO)
    default = rest.get("/api/deviceProfileInfo/default")
    check(default, shapes.PROFILE_INFO)
    assert default["name"] == "default"
    check(rest.get("/api/deviceProfileInfos", pageSize=10, page=0),
          shapes.page(shapes.PROFILE_INFO))


def test_series_shapes(rest, device, coap):
    assert coap.post(device.token, '{"a":1}').status == "2.01"
    check(rest.series(device.id), {"a": shapes.POINTS})
    check(rest.series(device.id, keys="a,none"), {"a": shapes.POINTS, "none": shapes.POINTS})
    check(rest.series(device.id, keys="a", startTs=0, endTs=2**50), {"a": shapes.POINTS})
    check(rest.keys(device.id), [str])


def test_customer_user_reads_own_devices_only(customer, assigned, rest):
    check(customer.get(f"/api/device/{assigned.id}"), shapes.DEVICE)
    check(customer.get(f"/api/device/info/{assigned.id}"), shapes.DEVICE_INFO)
    check(customer.get(f"/api/device/{assigned.id}/credentials"), shapes.CREDENTIALS)
    assert customer.series(assigned.id) == {}
    other = rest.create_device(f"other {time.time_ns()}", "")
    for path in (f"/api/device/{other}", f"/api/device/info/{other}",
                 f"/api/device/{other}/credentials"):
        refused(customer.call("GET", path), 403, 20, DENIED)
    answer = customer.call("GET", f"/api/plugins/telemetry/DEVICE/{other}/values/timeseries")
    assert (answer.status, answer.body.decode()) == (403, DENIED)


def test_customer_user_may_not_administer(customer, assigned, rest):
    own = customer.get("/api/auth/user")["customerId"]["id"]
    credentials = customer.get(f"/api/device/{assigned.id}/credentials")
    for method, path, body in (
            ("GET", "/api/tenant/devices?pageSize=1&page=0", None),
            ("GET", "/api/tenant/deviceInfos?pageSize=1&page=0", None),
            ("GET", "/api/customers?pageSize=1&page=0", None),
            ("GET", "/api/deviceProfiles?pageSize=1&page=0", None),
            ("POST", "/api/device", {"name": "by a customer"}),
            ("POST", "/api/device/credentials", credentials),
            ("POST", "/api/customer", {"title": "by a customer"}),
            ("DELETE", f"/api/device/{assigned.id}", None),
            ("DELETE", f"/api/customer/device/{assigned.id}", None),
            ("DELETE", f"/api/customer/{own}", None)):
        refused(customer.call(method, path, body), 403, 20, DENIED)
    assert rest.get(f"/api/device/{assigned.id}")["customerId"]["id"] == own


def test_system_administrator_sees_no_devices(sysadmin, device):
    for method, path in (("GET", f"/api/device/{device.id}"),
                         ("GET", "/api/tenant/devices?pageSize=1&page=0"),
                         ("DELETE", f"/api/device/{device.id}")):
        refused(sysadmin.call(method, path), 403, 20, DENIED)
    answer = sysadmin.call("GET", f"/api/plugins/telemetry/DEVICE/{device.id}/keys/timeseries")
    assert answer.status == 403
    assert answer.body.decode() == "System administrator is not allowed to perform this operation!"


# Devices.

def test_device_is_created_with_the_defaults(rest):
    name = f"plain {time.time_ns()}"
    made = rest.post("/api/device", {"name": name}, accessToken="")
    check(made, shapes.DEVICE)
    assert (made["name"], made["type"]) == (name, "default")
    assert (made["label"], made["version"]) == (None, 1)
    assert made["customerId"]["id"] == NULL_ID
    assert rest.get(f"/api/device/{made['id']['id']}") == made
    token = rest.get(f"/api/device/{made['id']['id']}/credentials")["credentialsId"]
    assert len(token) == 20 and token.isalnum()


def test_device_type_makes_a_profile_of_that_name(rest):
    kind = f"kind {time.time_ns()}"
    made = rest.post("/api/device", {"name": f"of {kind}", "type": kind, "label": "l",
                                     "additionalInfo": {"description": "d"}})
    assert (made["type"], made["label"]) == (kind, "l")
    assert made["additionalInfo"] == {"description": "d"}
    profile = rest.get(f"/api/deviceProfile/{made['deviceProfileId']['id']}")
    check(profile, shapes.PROFILE)
    assert (profile["name"], profile["default"]) == (kind, False)
    assert profile["transportType"] == "DEFAULT"


def test_device_with_credentials_posts_at_once(rest, coap):
    name = f"with-{time.time_ns()}"
    made = rest.post("/api/device-with-credentials", {
        "device": {"name": name},
        "credentials": {"credentialsType": "ACCESS_TOKEN", "credentialsId": name}})
    check(made, shapes.DEVICE)
    assert coap.post(name, '{"a":1}').status == "2.01"
    assert rest.latest(made["id"]["id"]) == {"a": 1}


def test_unknown_members_of_a_body_are_ignored(rest, device):
    found = rest.get(f"/api/device/{device.id}")
    assert rest.post("/api/device", {**found, "unknown": {"x": 1}})["id"] == found["id"]


@pytest.mark.parametrize("body", [
    {}, {"name": None}, {"name": ""}, {"name": "  "}, {"name": "x" * 256}, {"name": "<b>bold</b>"},
    {"name": 5}, {"name": "x", "deviceProfileId": {"entityType": "DEVICE_PROFILE", "id": "x"}},
    {"name": "x", "deviceProfileId": {"entityType": "DEVICE_PROFILE", "id": NOBODY}}, [], b"{", b"",
])
def test_device_that_is_not_valid_is_400(rest, body):
    answer = rest.call("POST", "/api/device", body)
    assert answer.status in (400, 404), answer
    check(answer.json(), shapes.ERROR)


def test_name_is_unique(rest, device):
    refused(rest.call("POST", "/api/device", {"name": device.name}), 400, 31,
            "Device with such name already exists!")


def test_a_taken_name_is_made_free(rest, device):
    def made(**query):
        body = {"name": device.name}
        return rest.post("/api/device", body, nameConflictPolicy="UNIQUIFY", **query)["name"]

    assert re.fullmatch(re.escape(device.name) + "_[A-Za-z0-9]{6}", made())
    assert re.fullmatch(re.escape(device.name) + "[A-Za-z0-9]{6}", made(uniquifySeparator=""))
    count = {"uniquifyStrategy": "INCREMENTAL", "uniquifySeparator": " no. "}
    assert [made(**count) for _ in range(3)] == [f"{device.name} no. {i}" for i in (1, 2, 3)]
    saved = rest.post("/api/device-with-credentials", {
        "device": {"name": device.name}, "credentials": {
            "credentialsType": "ACCESS_TOKEN", "credentialsId": device.token + "-more"}},
        nameConflictPolicy="uniquify", **count)
    check(saved, shapes.DEVICE)
    assert saved["name"] == f"{device.name} no. 4"
    # A name that is free, and its own, stay as they are; another's is made free for a change too.
    same = rest.post("/api/device", saved, nameConflictPolicy="UNIQUIFY", **count)
    assert (same["name"], same["version"]) == (saved["name"], saved["version"] + 1)
    changed = rest.post("/api/device", {**same, "name": device.name},
                        nameConflictPolicy="UNIQUIFY", **count)
    assert changed["name"] == saved["name"]
    free = rest.post("/api/device", {"name": device.name + "!"}, nameConflictPolicy="UNIQUIFY")
    assert free["name"] == device.name + "!"


def test_a_name_that_cannot_be_made_free_is_400(rest):
    long = "n" * 250
    rest.post("/api/device", {"name": long})
    answer = rest.call("POST", "/api/device?nameConflictPolicy=UNIQUIFY", {"name": long})
    refused(answer, 400, 31)
    assert "Device name" in answer.json()["message"]
    answer = rest.call("POST", "/api/device?nameConflictPolicy=UNIQUIFY&uniquifySeparator=%3Cb%3E",
                       {"name": "Test Device A1"})
    refused(answer, 400, 31)
    for query, reason in (
            ("nameConflictPolicy=NO", "'nameConflictPolicy' must be FAIL or UNIQUIFY, not NO"),
            ("uniquifyStrategy=NO", "'uniquifyStrategy' must be RANDOM or INCREMENTAL, not NO")):
        refused(rest.call("POST", f"/api/device?{query}", {"name": "x"}), 400, 31,
                f"Parameter {reason}")
    refused(rest.call("POST", "/api/device?nameConflictPolicy=fail", {"name": long}), 400, 31,
            "Device with such name already exists!")


def test_token_is_unique_over_all_devices(rest, device):
    name = f"second {time.time_ns()}"
    answer = rest.call("POST", f"/api/device?accessToken={device.token}", {"name": name})
    refused(answer, 400, 31, "Device credentials are already assigned to another device!")
    refused(rest.call("GET", f"/api/tenant/devices?deviceName={name.replace(' ', '%20')}"), 404, 32)


def test_update_raises_the_version_and_an_older_one_conflicts(rest, device):
    first = rest.get(f"/api/device/{device.id}")
    second = rest.post("/api/device", {**first, "label": "two"})
    assert (second["label"], second["version"]) == ("two", first["version"] + 1)
    refused(rest.call("POST", "/api/device", {**first, "label": "late"}), 409, 35)
    assert rest.get(f"/api/device/{device.id}") == second
    without = {key: value for key, value in first.items() if key != "version"}
    assert rest.post("/api/device", {**without, "label": "forced"})["label"] == "forced"


def test_renamed_device_keeps_its_data_and_token(rest, device, coap):
    assert coap.post(device.token, '{"a":1}').status == "2.01"
    found = rest.get(f"/api/device/{device.id}")
    rest.post("/api/device", {**found, "name": f"renamed {time.time_ns()}"})
    assert coap.post(device.token, '{"b":2}').status == "2.01"
    assert device.latest() == {"a": 1, "b": 2}


@pytest.fixture(scope="module")
def herd(rest):
    """Seven devices whose names share a word: (word, names in order)."""
    word = f"herd{time.time_ns()}"
    names = [f"{word.capitalize()} {letter}" for letter in "DGACFBE"]
    for i, name in enumerate(names):
        rest.post("/api/device", {"name": name, "label": f"label {7 - i}"})
    return word, names


def listed(rest, word, **query):
    page = rest.get("/api/tenant/devices", textSearch=word.upper(), **query)
    return [device["name"] for device in page["data"]], page


def test_list_in_pages(rest, herd):
    word, names = herd
    seen = []
    for number in range(4):
        found, page = listed(rest, word, pageSize=3, page=number)
        assert (page["totalPages"], page["totalElements"]) == (3, 7)
        assert page["hasNext"] == (number < 2)
        seen += found
    assert seen == names  # by id, so by creation


@pytest.mark.parametrize("order", [None, "ASC", "DESC"])
@pytest.mark.parametrize("sort", ["name", "createdTime", "label", "type"])
def test_list_is_sorted(rest, herd, sort, order):
    word, names = herd
    query = {"sortOrder": order} if order else {}
    found, _ = listed(rest, word, pageSize=100, page=0, sortProperty=sort, **query)
    wanted = {"name": sorted(names), "createdTime": names, "label": names[::-1]}.get(sort)
    if wanted is None:
        assert sorted(found) == sorted(names)
    else:
        assert found == (wanted[::-1] if order == "DESC" else wanted)


def test_search_finds_parts_of_names_in_any_case(rest, herd):
    word, _ = herd
    assert listed(rest, word + " a", pageSize=10, page=0)[0] == [f"{word.capitalize()} A"]
    assert listed(rest, "%" + word, pageSize=10, page=0)[0] == []
    assert listed(rest, word + "_", pageSize=10, page=0)[0] == []


def test_list_by_type_and_profile(rest, herd):
    page = rest.get("/api/tenant/devices", pageSize=100, page=0, type="thermostat")
    assert {device["name"] for device in page["data"]} == {"Thermostat T1", "Thermostat T2"}
    profile = page["data"][0]["deviceProfileId"]["id"]
    infos = rest.get("/api/tenant/deviceInfos", pageSize=100, page=0, deviceProfileId=profile)
    assert {info["deviceProfileName"] for info in infos["data"]} == {"thermostat"}
    assert infos["totalElements"] == page["totalElements"]


@pytest.mark.parametrize("query", [
    "", "pageSize=10", "page=0", "pageSize=0&page=0", "pageSize=-1&page=0", "pageSize=10&page=-1",
    "pageSize=x&page=0", "pageSize=10&page=0&sortOrder=UP", "pageSize=10&page=0&sortProperty=nope",
    "pageSize=99999999999999999999&page=0",
])
def test_page_that_makes_no_sense_is_400(rest, query):
    refused(rest.call("GET", f"/api/tenant/devices?{query}"), 400, 31)


def test_device_is_assigned_and_unassigned(rest, device, customer):
    own = customer.get("/api/auth/user")["customerId"]["id"]
    given = rest.post(f"/api/customer/{own}/device/{device.id}", {})
    check(given, shapes.DEVICE)
    assert given["customerId"]["id"] == own
    assert rest.get(f"/api/device/info/{device.id}")["customerTitle"] == "Customer A"
    taken = rest.ok("DELETE", f"/api/customer/device/{device.id}", {})
    check(taken, shapes.DEVICE)
    assert taken["customerId"]["id"] == NULL_ID
    refused(customer.call("GET", f"/api/device/{device.id}"), 403, 20, DENIED)


def test_deleted_device_leaves_no_token_and_no_data(rest, device, coap, server):
    assert coap.post(device.token, '{"a":1}').status == "2.01"
    answer = rest.call("DELETE", f"/api/device/{device.id}", {})
    assert (answer.status, answer.body) == (200, b"")
    assert coap.post(device.token, '{"a":2}').status == "4.01"
    for path in (f"/api/device/{device.id}", f"/api/device/info/{device.id}",
                 f"/api/device/{device.id}/credentials"):
        refused(rest.call("GET", path), 404, 32)
    answer = rest.call("GET", f"/api/plugins/telemetry/DEVICE/{device.id}/values/timeseries")
    assert (answer.status, answer.body) == (404, b"Device with requested id wasn't found!")
    refused(rest.call("DELETE", f"/api/device/{device.id}"), 404, 32)
    again = rest.create_device(device.name, device.token)
    assert again != device.id
    assert rest.series(again) == {}
    assert coap.post(device.token, '{"a":3}').status == "2.01"
    assert [value for _, value in rest.points(again, "a")] == [3]


# Credentials.

def test_changed_token_counts_from_the_answer_on(rest, device, server):
    with RawClient(server.coap_port, source="127.0.4.1") as client:
        assert client.post(device.token, '{"a":1}').status == "2.01"
        found = rest.get(f"/api/device/{device.id}/credentials")
        assert found["credentialsId"] == device.token
        new = device.token + "-new"
        saved = rest.post("/api/device/credentials", {**found, "credentialsId": new})
        check(saved, shapes.CREDENTIALS)
        assert client.post(device.token, '{"a":2}').status == "4.01"
        assert client.post(new, '{"a":3}').status == "2.01"
    assert (saved["id"], saved["credentialsId"]) == (found["id"], new)
    assert saved["version"] == found["version"] + 1
    assert rest.get(f"/api/device/{device.id}/credentials") == saved
    assert [value for _, value in device.points("a")] == [1, 3]
    refused(rest.call("POST", "/api/device/credentials", found), 409, 35)


@pytest.mark.parametrize("change", [
    {"credentialsId": ""}, {"credentialsId": None}, {"credentialsId": "a\u0001b"},
    {"credentialsType": "SMOKE"}, {"credentialsType": None},
    {"deviceId": {"entityType": "DEVICE", "id": "x"}},
])
def test_credentials_that_are_not_valid_are_400(rest, device, coap, change):
    found = rest.get(f"/api/device/{device.id}/credentials")
    refused(rest.call("POST", "/api/device/credentials", {**found, **change}), 400, 31)
    assert coap.post(device.token, '{"a":1}').status == "2.01"


def test_token_of_another_device_is_400(rest, device):
    found = rest.get(f"/api/device/{device.id}/credentials")
    answer = rest.call("POST", "/api/device/credentials",
                       {**found, "credentialsId": "B1_TEST_TOKEN"})
    refused(answer, 400, 31, "Device credentials are already assigned to another device!")


# What is not there, or not so.

@pytest.mark.parametrize("path", ["/", "/api", "/api/nothing", "/api/device/", "/api/a/b/c"])
def test_unknown_path_is_404(rest, path):
    refused(rest.call("GET", path), 404, 32)


@pytest.mark.parametrize("method,path", [
    ("PUT", "/api/device"), ("PATCH", "/api/device"), ("DELETE", "/api/device"),
    ("POST", "/api/tenant/devices"), ("DELETE", "/api/customers"), ("POST", "/readyz"),
])
def test_known_path_by_another_method_is_405(rest, method, path):
    answer = rest.call(method, path, {})
    refused(answer, 405, 31)
    assert answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/api/device/x", "/api/device/info/123",
                                  "/api/customer/x/devices?pageSize=1&page=0", "/api/user/none"])
def test_id_that_is_none_is_400(rest, path):
    refused(rest.call("GET", path), 400, 31)


@pytest.mark.parametrize("path", [f"/api/device/{NOBODY}", f"/api/device/info/{NOBODY}",
                                  f"/api/customer/{NOBODY}", f"/api/user/{NOBODY}",
                                  f"/api/deviceProfile/{NOBODY}",
                                  "/api/tenant/device?deviceName=x"])
def test_id_of_nobody_is_404(rest, path):
    refused(rest.call("GET", path), 404, 32)


@pytest.mark.parametrize("tail,status", [
    (f"DEVICE/{NOBODY}/values/timeseries", 404), ("DEVICE/x/values/timeseries", 400),
    (f"DEVICE/{NOBODY}/keys/timeseries", 404), (f"NOTHING/{NOBODY}/keys/timeseries", 400),
])
def test_failures_of_telemetry_are_plain_texts(rest, tail, status):
    answer = rest.call("GET", f"/api/plugins/telemetry/{tail}")
    assert answer.status == status
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.body and not answer.body.startswith(b"{")


@pytest.mark.parametrize("query", [
    "startTs=0&endTs=1", "keys=a&startTs=x&endTs=1", "keys=a&startTs=0&endTs=1&limit=0",
    "keys=a&startTs=0&endTs=1&limit=x", "keys=a&startTs=0&endTs=1&orderBy=UP",
    "keys=a&useStrictDataTypes=maybe",
])
def test_range_that_makes_no_sense_is_400(rest, device, query):
    path = f"/api/plugins/telemetry/DEVICE/{device.id}/values/timeseries?{query}"
    assert rest.call("GET", path).status == 400


@pytest.mark.parametrize("limit,size", [("4K", 5000), ("16M", 16 * 1024 * 1024 + 1)])
def test_too_large_body_is_413_and_the_server_goes_on(place, limit, size):
    server = place.server(settings=[f"http.body-max={limit}"])
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)
    assert rest.call("POST", "/api/customer", b"x" * size).status == 413
    assert rest.get("/api/auth/user")["email"] == TENANT[0]


@pytest.mark.parametrize("flag", ["true", "True", "on", "yes", "1", "FALSE", "off", "no", "0"])
def test_booleans_are_read_in_any_case(rest, device, coap, flag):
    assert coap.post(device.token, '{"a":1}').status == "2.01"
    value = rest.series(device.id, useStrictDataTypes=flag)["a"][0]["value"]
    assert value == (1 if flag.lower() in ("true", "on", "yes", "1") else "1")


def test_unknown_query_parameters_are_ignored(rest, device):
    assert rest.get(f"/api/device/{device.id}", scope="ANY")["name"] == device.name


def test_health_needs_no_token(anyone):
    assert anyone.call("GET", "/livez").status == 200
    assert anyone.call("GET", "/readyz").status == 200
