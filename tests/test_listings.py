"""Several things at once, in short, and in public: customers, devices and device profiles."""

import itertools

import pytest

import shapes
from raw_coap import RawClient
from rest_client import CUSTOMER, SYSADMIN, TENANT, Rest
from shapes import NULL_ID, check
from test_rest import DENIED, NOBODY, claims, refused
from test_tenants import make_profile, wait_for

_numbers = itertools.count(1)


def fresh(word):
    return f"{word} {next(_numbers)}"


@pytest.fixture(scope="module")
def customer(server):
    return Rest(server.http_port).log_in(*CUSTOMER)


@pytest.fixture
def anyone(server):
    return Rest(server.http_port)


# By their ids.

def test_several_devices_are_read_at_once(rest, customer):
    made = [rest.post("/api/device", {"name": fresh("several")}) for _ in range(3)]
    own = customer.get("/api/auth/user")["customerId"]["id"]
    assigned = rest.post(f"/api/customer/{own}/device/{made[1]['id']['id']}", None)
    ids = [one["id"]["id"] for one in made]
    found = rest.get("/api/devices", deviceIds=",".join([ids[2], NOBODY, ids[1], ids[2]]))
    check(found, [shapes.DEVICE])
    assert found == [made[2], assigned, made[2]]
    assert customer.get("/api/devices", deviceIds=",".join(ids)) == [assigned]


def test_several_customers_are_read_at_once(rest):
    made = [rest.post("/api/customer", {"title": fresh("several")}) for _ in range(2)]
    ids = ",".join([made[1]["id"]["id"], NOBODY, made[0]["id"]["id"]])
    for path in ("/api/customers", "/api/customers/list"):
        found = rest.get(path, customerIds=ids)
        check(found, [shapes.CUSTOMER])
        assert found == [made[1], made[0]]


def test_several_profiles_are_read_at_once(rest, customer):
    made = rest.post("/api/deviceProfile", {"name": fresh("several"), "transportType": "DEFAULT"})
    default = rest.get("/api/deviceProfileInfo/default")
    ids = ",".join([made["id"]["id"], NOBODY, default["id"]["id"]])
    for person in (rest, customer):
        for path in ("/api/deviceProfileInfos", "/api/deviceProfileInfos/list"):
            found = person.get(path, deviceProfileIds=ids)
            check(found, [shapes.PROFILE_INFO])
            assert [info["name"] for info in found] == [made["name"], default["name"]]


@pytest.mark.parametrize("path,name", [
    ("/api/devices", "deviceIds"), ("/api/customers/list", "customerIds"),
    ("/api/deviceProfileInfos/list", "deviceProfileIds")])
def test_ids_that_make_no_list_are_400(rest, path, name):
    refused(rest.call("GET", path), 400, 31, f"Required request parameter '{name}' is not present")
    refused(rest.call("GET", f"{path}?{name}="), 400, 31, f"Parameter '{name}' can't be empty!")
    refused(rest.call("GET", f"{path}?{name}=x"), 400, 31, "Invalid UUID string: x")
    refused(rest.call("GET", f"{path}?{name}={NOBODY},"), 400, 31, "Invalid UUID string: ")
    many = ",".join([NOBODY] * 100)
    assert rest.get(f"{path}?{name}={many}") == []
    refused(rest.call("GET", f"{path}?{name}={many},{NOBODY}"), 400, 31,
            f"Parameter '{name}' holds more than 100 ids")


# In short.

def test_a_customer_in_short(rest, customer):
    own = customer.get("/api/auth/user")["customerId"]["id"]
    other = rest.post("/api/customer", {"title": 'ü "quoted"'})["id"]["id"]
    for person in (rest, customer):
        assert person.get(f"/api/customer/{own}/shortInfo") == {
            "title": "Customer A", "isPublic": False}
        answer = person.call("GET", f"/api/customer/{own}/title")
        assert (answer.status, answer.body) == (200, b"Customer A")
        assert answer.headers["Content-Type"].startswith("application/text")
    assert rest.call("GET", f"/api/customer/{other}/title").body.decode() == 'ü "quoted"'
    for tail in ("shortInfo", "title"):
        refused(customer.call("GET", f"/api/customer/{other}/{tail}"), 403, 20, DENIED)
        refused(rest.call("GET", f"/api/customer/{NOBODY}/{tail}"), 404, 32,
                f"Customer with id [{NOBODY}] is not found")


def test_names_of_profiles_and_types_of_devices(rest, customer):
    idle = rest.post("/api/deviceProfile", {"name": fresh("idle"), "transportType": "DEFAULT"})
    used = fresh("used")
    profile = rest.post("/api/device", {"name": fresh("device"), "type": used})["deviceProfileId"]
    tenant = rest.get("/api/auth/user")["tenantId"]
    for person in (rest, customer):
        names = person.get("/api/deviceProfile/names")
        check(names, [shapes.PROFILE_NAME])
        assert [one["name"] for one in names] == sorted(one["name"] for one in names)
        assert {"id": profile, "name": used} in names
        assert {"id": idle["id"], "name": idle["name"]} in names
        active = person.get("/api/deviceProfile/names", activeOnly="true")
        assert {"id": profile, "name": used} in active
        assert idle["name"] not in [one["name"] for one in active]
        types = person.get("/api/device/types")
        check(types, [shapes.DEVICE_TYPE])
        assert {"tenantId": tenant, "entityType": "DEVICE", "type": used} in types
    refused(rest.call("GET", "/api/deviceProfile/names?activeOnly=x"), 400, 31)


def test_profiles_are_listed_by_transport(rest):
    made = rest.post("/api/deviceProfile", {"name": fresh("coap"), "transportType": "COAP"})
    query = {"pageSize": 100, "page": 0}
    coap = rest.get("/api/deviceProfileInfos", transportType="COAP", **query)["data"]
    assert made["name"] in [info["name"] for info in coap]
    assert {info["transportType"] for info in coap} == {"COAP"}
    assert rest.get("/api/deviceProfileInfos", transportType="SNMP", **query)["data"] == []
    refused(rest.call("GET", "/api/deviceProfileInfos", query={**query, "transportType": "x"}), 400,
            31, "Parameter 'transportType' is none: x")


def test_keys_of_the_devices_of_a_profile(rest, customer):
    devices = [rest.post("/api/device", {"name": fresh("keys"), "type": "keyed"}) for _ in range(2)]
    other = rest.post("/api/device", {"name": fresh("keys"), "type": "otherwise"})
    profile = devices[0]["deviceProfileId"]["id"]
    for device, key in zip((*devices, other), ("b", "a", "z")):
        base = f"/api/plugins/telemetry/DEVICE/{device['id']['id']}"
        rest.ok("POST", f"{base}/timeseries/ANY", {key: 1, "both": 2})
        for scope in ("SERVER_SCOPE", "SHARED_SCOPE"):
            rest.ok("POST", f"{base}/{scope}", {f"{key}{scope[:2]}": 1})
    keys = "/api/deviceProfile/devices/keys"
    assert rest.get(f"{keys}/timeseries", deviceProfileId=profile) == ["a", "b", "both"]
    assert {"a", "b", "both", "z"} <= set(rest.get(f"{keys}/timeseries"))
    found = rest.get(f"{keys}/attributes", deviceProfileId=profile)
    assert {"aSE", "aSH", "bSE", "bSH"} <= set(found) and "zSE" not in found
    assert found == sorted(found)
    for tail in ("timeseries", "attributes"):
        assert rest.get(f"{keys}/{tail}", deviceProfileId=NOBODY) == []
        refused(rest.call("GET", f"{keys}/{tail}?deviceProfileId=x"), 400, 31)
        refused(customer.call("GET", f"{keys}/{tail}"), 403, 20, DENIED)


def test_devices_without_a_package_are_counted(rest, customer):
    made = rest.post("/api/device", {"name": fresh("counted"), "type": "counted"})
    profile = made["deviceProfileId"]["id"]
    for kind in ("FIRMWARE", "SOFTWARE"):
        assert rest.get(f"/api/devices/count/{kind}/{profile}") == 1
        assert customer.get(f"/api/devices/count/{kind}/{profile}") == 0
        assert rest.get(f"/api/devices/count/{kind}/{NOBODY}") == 0
    refused(rest.call("GET", f"/api/devices/count/WARES/{profile}"), 400, 31,
            "Invalid package type: WARES")
    refused(rest.call("GET", "/api/devices/count/FIRMWARE/x"), 400, 31)


# In public.

def test_a_public_device_is_read_by_anyone_who_knows(rest, anyone, customer, device):
    made = rest.post(f"/api/customer/public/device/{device.id}", None)
    check(made, shapes.DEVICE)
    public = made["customerId"]["id"]
    assert public != NULL_ID
    found = rest.get(f"/api/customer/{public}")
    assert (found["title"], found["additionalInfo"]) == ("Public", {"isPublic": True})
    assert rest.get(f"/api/customer/{public}/shortInfo") == {"title": "Public", "isPublic": True}
    assert rest.get(f"/api/device/info/{device.id}")["customerIsPublic"] is True
    second = rest.post("/api/device", {"name": fresh("public")})["id"]["id"]
    assert rest.post(f"/api/customer/public/device/{second}", None)["customerId"]["id"] == public
    with RawClient(device.server.coap_port) as coap:
        assert coap.post(device.token, '{"a":1}').status == "2.01"

    pair = anyone.ok("POST", "/api/auth/login/public", {"publicId": public})
    check(pair, shapes.TOKENS)
    assert claims(pair["token"])["isPublic"] is True
    assert claims(pair["token"])["customerId"] == public
    session = Rest(anyone.port, pair["token"])
    user = session.get("/api/auth/user")
    check(user, shapes.USER)
    assert (user["authority"], user["email"]) == ("CUSTOMER_USER", public)
    assert session.latest(device.id, "a") == {"a": 1}
    assert {one["id"]["id"] for one in session.get(f"/api/customer/{public}/devices", pageSize=9,
                                                   page=0)["data"]} == {device.id, second}
    fresh_pair = anyone.ok("POST", "/api/auth/token", {"refreshToken": pair["refreshToken"]})
    assert claims(fresh_pair["token"])["isPublic"] is True

    # It reads, and that is all.
    other = rest.device_named("Test Device A1")
    refused(session.call("GET", f"/api/device/{other}"), 403, 20, DENIED)
    for method, path, body in (
            ("POST", "/api/device", {**made, "label": "mine"}),
            ("GET", f"/api/device/{device.id}/credentials", None),
            ("GET", "/api/users?pageSize=1&page=0", None), ("POST", "/api/user", {
                "email": "a@b", "authority": "CUSTOMER_USER", "customerId": {"id": public}})):
        refused(session.call(method, path, body), 403, 20, DENIED)
    base = f"/api/plugins/telemetry/DEVICE/{device.id}"
    for method, path, body in (
            ("POST", f"{base}/SHARED_SCOPE", {"a": 1}),
            ("POST", f"{base}/timeseries/ANY", {"a": 2}),
            ("DELETE", f"{base}/timeseries/delete?keys=a&deleteAllDataForKeys=true", None),
            ("POST", f"/api/rpc/oneway/{device.id}", {"method": "m", "params": {}})):
        assert session.call(method, path, body).status == 403, path
    refused(session.call("POST", "/api/auth/changePassword", {
        "currentPassword": "x", "newPassword": "longer"}), 403, 20, DENIED)

    # Out it is when it logs out, and everybody when the customer is public no more.
    assert session.call("POST", "/api/auth/logout", {}).status == 200
    refused(session.call("GET", "/api/auth/user"), 401, 11)
    again = Rest(anyone.port, fresh_pair["token"])
    refused(again.call("GET", "/api/auth/user"), 401, 11)
    third = Rest(anyone.port, anyone.ok("POST", "/api/auth/login/public",
                                        {"publicId": public})["token"])
    assert third.get("/api/auth/user")
    rest.post("/api/customer", {**found, "additionalInfo": {"isPublic": False}})
    refused(third.call("GET", "/api/auth/user"), 401, 11)
    refused(anyone.call("POST", "/api/auth/login/public", {"publicId": public}), 401, 10,
            "Public Id is not valid")
    refused(rest.call("POST", f"/api/customer/public/device/{device.id}", None), 400, 31,
            "The customer 'Public' is not public")
    rest.delete(f"/api/customer/{public}")


@pytest.mark.parametrize("body,status", [
    ({}, 400), ({"publicId": 1}, 400), ([], 400), ({"publicId": "x"}, 401),
    ({"publicId": NOBODY}, 401)])
def test_public_log_in_that_is_none_is_refused(anyone, body, status):
    answer = anyone.call("POST", "/api/auth/login/public", body)
    refused(answer, status, 31 if status == 400 else 10)


def test_a_customer_that_is_not_public_lets_nobody_in(anyone, customer):
    own = customer.get("/api/auth/user")["customerId"]["id"]
    refused(anyone.call("POST", "/api/auth/login/public", {"publicId": own}), 401, 10)


def test_making_public_is_for_administrators_and_within_the_limits(place):
    server = place.server()
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)
    customer = Rest(server.http_port).log_in(*CUSTOMER)
    system = Rest(server.http_port).log_in(*SYSADMIN)
    device = rest.device_named("Test Device A1")
    path = f"/api/customer/public/device/{device}"
    refused(customer.call("POST", path), 403, 20, DENIED)
    refused(rest.call("POST", f"/api/customer/public/device/{NOBODY}"), 404, 32)
    refused(rest.call("POST", "/api/customer/public/device/x"), 400, 31)
    tenant = system.get("/api/tenants", pageSize=1, page=0)["data"][0]
    profile = make_profile(system, maxCustomers=3)
    system.post("/api/tenant", {**tenant, "tenantProfileId": profile["id"]})
    answer = rest.call("POST", path)
    check(answer.json(), shapes.LIMIT)
    assert answer.json()["entityType"] == "CUSTOMER"
    found = rest.get("/api/customers", pageSize=9, page=0, textSearch="Public")
    assert found["totalElements"] == 0


def test_devices_are_listed_by_whether_they_are_active(place):
    server = place.server(settings=["presence.sweep-every=100ms", "presence.inactivity=1h"])
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)
    ids = [rest.create_device(f"a{i}", f"TOKEN-a{i}", type="watched") for i in range(7)]
    query = {"type": "watched", "pageSize": 2, "sortProperty": "name"}

    def names(active, path="/api/tenant/deviceInfos"):
        pages, page = [], 0
        while True:
            found = rest.get(path, **query, page=page, active=active)
            check(found, shapes.page(shapes.DEVICE_INFO))
            assert all(one["active"] is (active == "true") for one in found["data"])
            pages += [one["name"] for one in found["data"]]
            page += 1
            if not found["hasNext"]:
                assert (found["totalElements"], found["totalPages"]) == (len(pages), page)
                return pages

    assert rest.get("/api/tenant/deviceInfos", **query, page=0,
                    active="true")["totalElements"] == 0
    assert names("false") == [f"a{i}" for i in range(7)]
    with RawClient(server.coap_port) as coap:
        for i in (5, 0, 3):
            assert coap.post(f"TOKEN-a{i}", '{"a":1}').status == "2.01"
    assert wait_for(lambda: rest.get(f"/api/device/info/{ids[5]}")["active"])
    assert wait_for(lambda: names("true") == ["a0", "a3", "a5"])
    assert names("false") == ["a1", "a2", "a4", "a6"]
    customer = rest.get("/api/tenant/customers", customerTitle="Customer A")["id"]["id"]
    for i in (0, 1):
        rest.post(f"/api/customer/{customer}/device/{ids[i]}", None)
    assert names("true", f"/api/customer/{customer}/deviceInfos") == ["a0"]
    refused(rest.call("GET", "/api/tenant/deviceInfos", query={**query, "page": 0, "active": "x"}),
            400, 31)
    # Who is active is known again after a restart.
    server.restart()
    rest.log_in(*TENANT)
    assert wait_for(lambda: names("true") == ["a0", "a3", "a5"])
