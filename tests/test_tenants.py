"""Tenants and tenant profiles over REST: shapes, rights, limits, the end of a tenant, restarts."""

import itertools
import sqlite3
import threading
import time

import pytest

import shapes
from raw_coap import RawClient
from power import Disk
from rest_client import CUSTOMER, SYSADMIN, TENANT, Rest
from shapes import check
from test_rest import DENIED, NOBODY, refused

_numbers = itertools.count(1)
CONFIGURATION = "profileData.configuration"


def fresh(word):
    return f"{word} {next(_numbers)}"


@pytest.fixture(scope="module")
def system(server):
    return Rest(server.http_port).log_in(*SYSADMIN)


@pytest.fixture(scope="module")
def customer(server):
    return Rest(server.http_port).log_in(*CUSTOMER)


def make_profile(system, name=None, **configuration):
    """A tenant profile: what the server answered."""
    return system.post("/api/tenantProfile", {
        "name": name or fresh("profile"),
        "profileData": {"configuration": {"type": "DEFAULT", **configuration}}})


def make_tenant(system, **more):
    return system.post("/api/tenant", {"title": fresh("tenant"), **more})


@pytest.fixture
def limited(rest, system):
    """Puts limits on the tenant of `rest` until the test is over."""
    own = rest.get("/api/auth/user")["tenantId"]["id"]
    before = system.get(f"/api/tenant/{own}")

    def limit(**configuration):
        made = make_profile(system, **configuration)
        system.post("/api/tenant", {**before, "version": None, "tenantProfileId": made["id"]})
        return made
    yield limit
    system.post("/api/tenant", {**before, "version": None})


# Tenant profiles.

def test_an_installation_has_a_default_profile(system):
    info = system.get("/api/tenantProfileInfo/default")
    check(info, shapes.TENANT_PROFILE_INFO)
    assert info["name"] == "Default"
    assert system.get(f"/api/tenantProfileInfo/{info['id']['id']}") == info
    profile = system.get(f"/api/tenantProfile/{info['id']['id']}")
    check(profile, shapes.TENANT_PROFILE)
    assert profile["default"] and not profile["isolatedTbRuleEngine"]
    configuration = profile["profileData"]["configuration"]
    assert configuration["type"] == "DEFAULT"
    assert configuration["maxDebugModeDurationMinutes"] == 15
    assert (configuration["maxDevices"], configuration["defaultStorageTtlDays"]) == (0, 0)


def test_what_was_sent_is_kept_whole(system):
    data = {"configuration": {"type": "DEFAULT", "maxDevices": 7, "maxAssets": 9,
                              "transportDeviceMsgRateLimit": "10:1,60:60",
                              "odd": {"a": [1.5, None]}},
            "queueConfiguration": [{"name": "Main", "partitions": 10}], "more": "ü"}
    name = fresh("profile")
    made = system.post("/api/tenantProfile", {
        "name": name, "description": "for tests", "isolatedTbRuleEngine": True,
        "profileData": data, "ignored": 1})
    check(made, shapes.TENANT_PROFILE)
    assert made["profileData"] == data
    assert (made["name"], made["description"]) == (name, "for tests")
    assert made["isolatedTbRuleEngine"] and not made["default"]
    path = f"/api/tenantProfile/{made['id']['id']}"
    assert system.get(path) == made
    changed = system.post("/api/tenantProfile", {**made, "name": name + "'", "description": None})
    assert changed == {**made, "name": name + "'", "description": None}
    assert system.get(path) == changed
    assert system.call("DELETE", path).body == b""
    refused(system.call("GET", path), 404, 32,
            f"Tenant profile with id [{made['id']['id']}] is not found")
    refused(system.call("DELETE", path), 404, 32)
    refused(system.call("POST", "/api/tenantProfile", changed), 404, 32)


def test_a_name_is_enough(system):
    made = system.post("/api/tenantProfile", {"name": fresh("profile")})
    default = system.get("/api/tenantProfileInfo/default")["id"]["id"]
    assert made["profileData"] == system.get(f"/api/tenantProfile/{default}")["profileData"]


@pytest.mark.parametrize("body,reason", [
    ({}, "Tenant profile name should be specified!"),
    ({"name": ""}, "Tenant profile name should be specified!"),
    ({"name": "<b>x</b>"}, "Tenant profile name"),
    ({"name": 1}, "'name' must be a text"),
    ({"name": "x", "id": {"id": 1}}, "'id' must hold an id"),
    ({"name": "x", "description": []}, "'description' must be a text"),
    ({"name": "x", "default": "yes"}, "'default' must be true or false"),
    ({"name": "x", "default": True}, "Another default tenant profile is present!"),
    ({"name": "x", "isolatedTbRuleEngine": 1}, "'isolatedTbRuleEngine' must be true or false"),
    ({"name": "x", "profileData": []}, "'profileData' must be an object"),
    ({"name": "x", "profileData": {}}, f"'{CONFIGURATION}' must be an object"),
    ({"name": "x", "profileData": {"configuration": 1}}, f"'{CONFIGURATION}' must be an object"),
    ({"name": "x", "profileData": {"configuration": {"type": "OTHER"}}},
     f"'{CONFIGURATION}.type' OTHER is not supported"),
])
def test_profile_that_is_not_valid_is_400(system, body, reason):
    answer = system.call("POST", "/api/tenantProfile", body)
    refused(answer, 400, 31)
    assert reason in answer.json()["message"]


@pytest.mark.parametrize("value", [-1, 1.5, "3", True, [], 2**32])
@pytest.mark.parametrize("name", ["maxDevices", "maxCustomers", "maxUsers",
                                  "defaultStorageTtlDays", "rpcTtlDays"])
def test_counts_are_whole_numbers(system, name, value):
    answer = system.call("POST", "/api/tenantProfile", {
        "name": "x", "profileData": {"configuration": {name: value}}})
    refused(answer, 400, 31, f"Validation error: '{CONFIGURATION}.{name}' must be a whole number "
                             "from 0 to 4294967295; 0 is no limit")


@pytest.mark.parametrize("value", ["1", "1:", ":1", "0:1", "1:0", "a:b", "1:1,", "1:1;2:2", 5,
                                   "1:1,2:2,3:3,4:4,5:5", "-1:1", {}, "0" * 4000 + "1:1"])
@pytest.mark.parametrize("name", [
    "transportTenantMsgRateLimit", "transportTenantTelemetryMsgRateLimit",
    "transportTenantTelemetryDataPointsRateLimit", "transportDeviceMsgRateLimit",
    "transportDeviceTelemetryMsgRateLimit", "transportDeviceTelemetryDataPointsRateLimit"])
def test_rates_are_capacity_and_seconds(system, name, value):
    answer = system.call("POST", "/api/tenantProfile", {
        "name": "x", "profileData": {"configuration": {name: value}}})
    refused(answer, 400, 31)
    assert f"'{CONFIGURATION}.{name}' must be a text capacity:seconds" in answer.json()["message"]


@pytest.mark.parametrize("path, body, member", [
    ("/api/tenantProfile", b'{"name":"x","profileData":{"configuration":'
     b'{"maxDevices":-5,"type":"DEFAULT","maxDevices":7}}}', "maxDevices"),
    ("/api/tenantProfile", b'{"name":"x","profileData":{"configuration":{},"a":[1,[{"b":1,'
     b'"\\u0062":2}]]}}', "b"),
    ("/api/tenant", b'{"title":"x","additionalInfo":{"c":1,"d":{},"c":1}}', "c"),
])
def test_a_member_twice_is_refused_in_what_is_kept(system, path, body, member):
    # The checks look at the last one, the store would read the first.
    where = "profileData" if b"profileData" in body else "additionalInfo"
    refused(system.call("POST", path, body), 400, 31,
            f"Validation error: '{where}' has a member '{member}' twice in one object")


def test_a_name_may_stand_in_several_objects(system):
    data = {"configuration": {"a": 1}, "more": [{"a": 1}, {"a": 2}, {"b": {"a": {"b": []}}}]}
    made = system.post("/api/tenantProfile", {"name": fresh("profile"), "profileData": data})
    assert made["profileData"] == data


def test_rates_may_be_empty_null_or_several(system):
    for value in (None, "", "1:1", "1:1,2:2,3:3,4:4"):
        made = make_profile(system, transportDeviceMsgRateLimit=value)
        assert made["profileData"]["configuration"]["transportDeviceMsgRateLimit"] == value


def test_profile_names_are_taken_once(system):
    made = make_profile(system)
    refused(system.call("POST", "/api/tenantProfile", {"name": made["name"]}), 400, 31,
            "Tenant profile with such name already exists!")


def test_the_default_moves(system):
    old = system.get("/api/tenantProfileInfo/default")["id"]["id"]
    made = make_profile(system)
    new = made["id"]["id"]
    answer = system.post(f"/api/tenantProfile/{new}/default", None)
    assert answer == {**made, "default": True}
    assert system.get("/api/tenantProfileInfo/default")["id"]["id"] == new
    assert not system.get(f"/api/tenantProfile/{old}")["default"]
    refused(system.call("DELETE", f"/api/tenantProfile/{new}"), 400, 31,
            "Deletion of Default Tenant Profile is prohibited!")
    tenant = make_tenant(system)
    assert tenant["tenantProfileId"]["id"] == new
    system.post(f"/api/tenantProfile/{old}/default", None)
    refused(system.call("DELETE", f"/api/tenantProfile/{new}"), 400, 31,
            "The tenant profile referenced by the tenants cannot be deleted!")
    system.delete(f"/api/tenant/{tenant['id']['id']}")
    system.delete(f"/api/tenantProfile/{new}")
    refused(system.call("POST", f"/api/tenantProfile/{NOBODY}/default", {}), 404, 32)


@pytest.mark.parametrize("sort", ["createdTime", "name", "description", "isDefault"])
def test_profiles_are_listed(system, sort):
    word = fresh("listed")
    made = [make_profile(system, f"{word} {letter}") for letter in "bac"]
    query = {"pageSize": 2, "page": 0, "textSearch": word.upper(), "sortProperty": sort}
    first = system.get("/api/tenantProfiles", **query)
    check(first, shapes.page(shapes.TENANT_PROFILE))
    assert (first["totalElements"], first["totalPages"], first["hasNext"]) == (3, 2, True)
    second = system.get("/api/tenantProfiles", **{**query, "page": 1})
    names = [profile["name"] for profile in first["data"] + second["data"]]
    in_order = [profile["name"] for profile in made]
    assert names == (in_order if sort == "createdTime" else sorted(in_order))
    infos = system.get("/api/tenantProfileInfos", **{**query, "pageSize": 9})
    check(infos, shapes.page(shapes.TENANT_PROFILE_INFO))
    assert [info["name"] for info in infos["data"]] == names
    for path in ("/api/tenantProfiles", "/api/tenantProfileInfos"):
        refused(system.call("GET", path, query={**query, "sortProperty": "profileData"}), 400, 31,
                "Unsupported sort property 'profileData'")


# Tenants.

def test_a_tenant_is_made_changed_and_found(system):
    title = fresh("tenant")
    full = {"country": "1", "state": "2", "city": "3", "address": "4", "address2": "5", "zip": "6",
            "phone": "7", "email": "8@example.org", "region": "Moon", "additionalInfo": {"a": 1}}
    made = system.post("/api/tenant", {"title": title, **full, "name": "ignored"})
    check(made, shapes.TENANT)
    assert {name: made[name] for name in full} == full
    assert (made["title"], made["name"], made["version"]) == (title, title, 1)
    assert made["tenantProfileId"] == system.get("/api/tenantProfileInfo/default")["id"]
    path = f"/api/tenant/{made['id']['id']}"
    assert system.get(path) == made
    info = system.get(f"/api/tenant/info/{made['id']['id']}")
    check(info, shapes.TENANT_INFO)
    assert info == {**made, "tenantProfileName": "Default"}
    profile = make_profile(system)
    changed = system.post("/api/tenant", {**made, "city": None, "tenantProfileId": profile["id"]})
    assert changed == {**made, "city": None, "tenantProfileId": profile["id"], "version": 2}
    info = system.get(f"/api/tenant/info/{made['id']['id']}")
    assert info["tenantProfileName"] == profile["name"]
    refused(system.call("POST", "/api/tenant", made), 409, 35,
            "Tenant was changed meanwhile, read it again")
    assert system.post("/api/tenant", {**made, "version": None})["version"] == 3


@pytest.mark.parametrize("body,reason", [
    ({}, "Tenant title should be specified!"), ({"title": " "}, "Tenant title"),
    ({"title": "<script>"}, "Tenant title"), ({"title": {}}, "'title' must be a text"),
    ({"title": "x" * 256}, "Tenant title"), ({"title": "x", "zip": 1}, "'zip' must be a text"),
    ({"title": "Tenant"}, "Tenant with such title already exists!"),
    ({"title": "x", "tenantProfileId": "y"}, "'tenantProfileId' must hold an id"),
    ({"title": "x", "tenantProfileId": {"id": NOBODY}}, "referencing non existing tenant profile"),
    ({"title": "x", "version": "1"}, "'version' must be a whole number"),
])
def test_tenant_that_is_not_valid_is_400(system, body, reason):
    answer = system.call("POST", "/api/tenant", body)
    refused(answer, 400, 31)
    assert reason in answer.json()["message"]


@pytest.mark.parametrize("method,path", [
    ("GET", "/api/tenant/{}"), ("GET", "/api/tenant/info/{}"), ("DELETE", "/api/tenant/{}")])
def test_tenant_of_nobody_is_404(system, method, path):
    refused(system.call(method, path.format(NOBODY)), 404, 32,
            f"Tenant with id [{NOBODY}] is not found")
    refused(system.call(method, path.format("x")), 400, 31)


def test_tenants_are_listed(system):
    word = fresh("listed")
    made = [system.post("/api/tenant", {"title": f"{word} {letter}"}) for letter in "bac"]
    query = {"pageSize": 2, "page": 0, "textSearch": word.upper(), "sortProperty": "title"}
    page = system.get("/api/tenants", **query)
    check(page, shapes.page(shapes.TENANT))
    assert (page["totalElements"], page["hasNext"]) == (3, True)
    assert page["data"] == [made[1], made[0]]
    infos = system.get("/api/tenantInfos", **{**query, "sortOrder": "DESC"})
    check(infos, shapes.page(shapes.TENANT_INFO))
    assert [info["title"] for info in infos["data"]] == [f"{word} c", f"{word} b"]
    for sort in ("createdTime", "name", "region", "email", "country", "state", "city",
                 "tenantProfileName"):
        assert system.get("/api/tenants", **{**query, "sortProperty": sort})["totalElements"] == 3
    refused(system.call("GET", "/api/tenants", query={**query, "sortProperty": "zip"}), 400, 31,
            "Unsupported sort property 'zip'")
    refused(system.call("GET", "/api/tenants"), 400, 31)


def test_several_tenants_are_read_at_once(system, rest):
    made = [make_tenant(system) for _ in range(3)]
    wish = [made[2], made[0]]
    ids = ",".join([wish[0]["id"]["id"], NOBODY, wish[1]["id"]["id"]])
    own = rest.get("/api/auth/user")["tenantId"]["id"]
    for path in ("/api/tenants", "/api/tenants/list"):
        assert system.get(path, tenantIds=ids) == wish
        found = rest.get(path, tenantIds=f"{ids},{own}")
        assert [tenant["id"]["id"] for tenant in found] == [own]
        refused(system.call("GET", path, query={"tenantIds": "x"}), 400, 31,
                "Invalid UUID string: x")
        refused(system.call("GET", path, query={"tenantIds": f"{own},"}), 400, 31)
        many = ",".join([NOBODY] * 100)
        assert system.get(f"{path}?tenantIds={many}") == []
        refused(system.call("GET", f"{path}?tenantIds={many},{NOBODY}"), 400, 31,
                "Parameter 'tenantIds' holds more than 100 ids")
    refused(system.call("GET", "/api/tenants/list"), 400, 31)


def test_only_the_system_administrator_may(system, rest, customer):
    own = rest.get("/api/auth/user")["tenantId"]["id"]
    default = system.get("/api/tenantProfileInfo/default")["id"]["id"]
    page = {"pageSize": 1, "page": 0}
    for person in (rest, customer):
        for method, path, body, query in (
                ("POST", "/api/tenant", {"title": "x"}, None),
                ("DELETE", f"/api/tenant/{own}", None, None),
                ("GET", "/api/tenants", None, page),
                ("GET", "/api/tenantInfos", None, page),
                ("POST", "/api/tenantProfile", {"name": "x"}, None),
                ("GET", f"/api/tenantProfile/{default}", None, None),
                ("DELETE", f"/api/tenantProfile/{default}", None, None),
                ("POST", f"/api/tenantProfile/{default}/default", None, None),
                ("GET", "/api/tenantProfiles", None, page),
                ("GET", "/api/tenantProfileInfo/default", None, None),
                ("GET", f"/api/tenantProfileInfo/{default}", None, None),
                ("GET", "/api/tenantProfileInfos", None, page)):
            refused(person.call(method, path, body, query), 403, 20, DENIED)
    check(rest.get(f"/api/tenant/{own}"), shapes.TENANT)
    check(rest.get(f"/api/tenant/info/{own}"), shapes.TENANT_INFO)
    other = make_tenant(system)["id"]["id"]
    refused(rest.call("GET", f"/api/tenant/{other}"), 403, 20, DENIED)
    refused(rest.call("GET", f"/api/tenant/info/{other}"), 403, 20, DENIED)
    refused(customer.call("GET", f"/api/tenant/{own}"), 403, 20, DENIED)


# Limits.

def too_many(answer, kind, limit, message):
    assert answer.status == 403, answer
    error = answer.json()
    check(error, shapes.LIMIT)
    assert (error["errorCode"], error["entityType"], error["limit"]) == (41, kind, limit)
    assert error["message"] == message


def test_devices_are_limited_by_the_profile(rest, system, limited):
    count = rest.get("/api/tenant/devices", pageSize=1, page=0)["totalElements"]
    profile = limited(maxDevices=count + 1)
    name = fresh("limited")
    made = rest.post("/api/device", {"name": name})
    too_many(rest.call("POST", "/api/device", {"name": name + "'"}), "DEVICE", count + 1,
             "Devices limit reached")
    too_many(rest.call("POST", "/api/device-with-credentials", {
        "device": {"name": name + "'"}, "credentials": {
            "credentialsType": "ACCESS_TOKEN", "credentialsId": name}}), "DEVICE", count + 1,
        "Devices limit reached")
    assert rest.post("/api/device", {**made, "label": "changed"})["label"] == "changed"
    # A change of the profile counts at once, and so does a device that is gone.
    profile["profileData"]["configuration"]["maxDevices"] = count + 2
    system.post("/api/tenantProfile", profile)
    second = rest.post("/api/device", {"name": name + "'"})
    too_many(rest.call("POST", "/api/device", {"name": name + "''"}), "DEVICE", count + 2,
             "Devices limit reached")
    rest.delete(f"/api/device/{made['id']['id']}")
    rest.delete(f"/api/device/{second['id']['id']}")
    rest.delete(f"/api/device/{rest.post('/api/device', {'name': name})['id']['id']}")


def test_customers_are_limited_by_the_profile(rest, limited):
    count = rest.get("/api/customers", pageSize=1, page=0)["totalElements"]
    limited(maxCustomers=count)
    too_many(rest.call("POST", "/api/customer", {"title": fresh("limited")}), "CUSTOMER", count,
             "Customers limit reached")
    limited(maxCustomers=0)
    made = rest.post("/api/customer", {"title": fresh("limited")})
    rest.delete(f"/api/customer/{made['id']['id']}")


def test_a_server_takes_so_many_tenants(place):
    server = place.server(settings=["limits.tenants=2"])
    server.start()
    system = Rest(server.http_port).log_in(*SYSADMIN)
    second = make_tenant(system)
    refused(system.call("POST", "/api/tenant", {"title": "third"}), 503, 2,
            "Tenant limit of this server reached")
    system.delete(f"/api/tenant/{second['id']['id']}")
    make_tenant(system)


# The end of a tenant, and restarts.

def test_tenants_and_their_limits_outlast_a_restart(place):
    server = place.server()
    server.start()
    system = Rest(server.http_port).log_in(*SYSADMIN)
    profile = make_profile(system, maxDevices=9)
    own = next(tenant for tenant in system.get("/api/tenants", pageSize=9, page=0)["data"]
               if tenant["title"] == "Tenant")
    changed = system.post("/api/tenant", {**own, "tenantProfileId": profile["id"]})
    server.stop()
    server.start()
    system.log_in(*SYSADMIN)
    assert system.get(f"/api/tenant/{own['id']['id']}") == changed
    assert system.get(f"/api/tenantProfile/{profile['id']['id']}") == profile
    rest = Rest(server.http_port).log_in(*TENANT)
    too_many(rest.call("POST", "/api/device", {"name": "tenth"}), "DEVICE", 9,
             "Devices limit reached")


def test_a_deleted_tenant_is_gone_with_its_devices_and_people(place):
    server = place.server()
    server.start()
    system = Rest(server.http_port).log_in(*SYSADMIN)
    rest = Rest(server.http_port).log_in(*TENANT)
    own = rest.get("/api/auth/user")["tenantId"]["id"]
    for i in range(600):
        rest.create_device(f"d{i}", f"T{i}")
    with RawClient(server.coap_port) as coap:
        assert coap.post("T599", '{"a":1}').status == "2.01"
        assert system.call("DELETE", f"/api/tenant/{own}").body == b""
        for token in ("T0", "T599", "A1_TEST_TOKEN"):
            assert coap.post(token, '{"a":2}').status == "4.01"
    refused(rest.call("GET", "/api/auth/user"), 401, 11)
    for account in (TENANT, CUSTOMER):
        refused(Rest(server.http_port).call("POST", "/api/auth/login", dict(
            zip(("username", "password"), account))), 401, 10, "Invalid username or password")
    refused(system.call("GET", f"/api/tenant/{own}"), 404, 32)
    assert system.get("/api/tenants", pageSize=9, page=0)["data"] == []
    again = system.post("/api/tenant", {"title": "Tenant"})
    assert again["id"]["id"] != own
    # What its devices said is purged, also across a restart.
    server.stop()
    server.start()
    system.log_in(*SYSADMIN)
    assert [t["title"] for t in system.get("/api/tenants", pageSize=9, page=0)["data"]] == [
        "Tenant"]
    assert wait_for(lambda: count(server, "purge") == 0)


def count(server, table):
    with sqlite3.connect(f"file:{server.data}/entities.db?mode=ro", uri=True) as db:
        return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_a_killed_server_goes_on_with_the_end_of_a_tenant(place):
    server = place.server()
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)
    own = rest.get("/api/auth/user")["tenantId"]["id"]
    for i in range(1300):
        rest.create_device(f"d{i}", f"T{i}")
    server.stop()
    server.environment = Disk(server.data).environment(sync_ms=100)
    server.start()
    system = Rest(server.http_port).log_in(*SYSADMIN)
    before = count(server, "device")
    asked = threading.Thread(target=lambda: pytest.raises(
        Exception, system.call, "DELETE", f"/api/tenant/{own}"))
    asked.start()
    assert wait_for(lambda: count(server, "device") < before)
    server.kill()
    asked.join()
    left = count(server, "device")
    assert 0 < left < before
    server.environment = {}
    server.start()
    refused(system.call("GET", f"/api/tenant/{own}"), 404, 32)
    refused(rest.call("GET", "/api/auth/user"), 401, 11)
    with RawClient(server.coap_port) as coap:
        for token in ("T0", "T1299"):
            assert coap.post(token, '{"a":2}').status == "4.01"
    assert system.post("/api/tenant", {"title": "Tenant"})["version"] == 1
    assert wait_for(lambda: count(server, "device") == count(server, "purge") == 0)
    assert wait_for(lambda: (count(server, "tenant"), count(server, "customer")) == (1, 0))


def wait_for(is_true, seconds=20):
    end = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
