"""Users over REST: who may make, read, change and delete whom; the way to a password; tokens."""

import itertools
import time

import pytest

import shapes
from rest_client import CUSTOMER, SYSADMIN, TENANT, Rest
from shapes import NULL_ID, check
from test_rest import DENIED, NOBODY, claims, refused
from test_tenants import make_profile, make_tenant, too_many

_numbers = itertools.count(1)
PASSWORD = "secret 1"


def address():
    return f"user{next(_numbers)}@example.org"


@pytest.fixture(scope="module")
def system(server):
    return Rest(server.http_port).log_in(*SYSADMIN)


@pytest.fixture(scope="module")
def customer(server):
    return Rest(server.http_port).log_in(*CUSTOMER)


@pytest.fixture
def anyone(server):
    return Rest(server.http_port)


@pytest.fixture(scope="module")
def own_customer(customer):
    return customer.get("/api/auth/user")["customerId"]


def of_customer(own_customer, **more):
    return {"email": address(), "authority": "CUSTOMER_USER", "customerId": own_customer, **more}


def token_of(administrator, user):
    """The secret in the link of a new user."""
    answer = administrator.call("GET", f"/api/user/{user['id']['id']}/activationLink")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain")
    link = answer.body.decode()
    head = f"http://127.0.0.1:{administrator.port}/api/noauth/activate?activateToken="
    assert link.startswith(head)
    return link.removeprefix(head)


def activate(administrator, user, password=PASSWORD):
    """A session of a new user who has chosen a password."""
    session = Rest(administrator.port)
    pair = session.ok("POST", "/api/noauth/activate", {
        "activateToken": token_of(administrator, user), "password": password})
    check(pair, shapes.TOKENS)
    session.token = pair["token"]
    return session


# Making and changing.

def test_a_tenant_administrator_makes_a_user_of_a_customer(rest, own_customer):
    body = of_customer(own_customer, firstName="First", lastName="Last", phone="1",
                       additionalInfo={"description": "d", "lang": "en_US"})
    made = rest.post("/api/user?sendActivationMail=false", {**body, "name": "ignored"})
    check(made, shapes.USER)
    assert {name: made[name] for name in body} == body
    assert (made["name"], made["version"]) == (body["email"], 1)
    assert made["tenantId"] == rest.get("/api/auth/user")["tenantId"]
    path = f"/api/user/{made['id']['id']}"
    assert rest.get(path) == made
    changed = rest.post("/api/user", {**made, "firstName": None, "phone": "2"})
    assert changed == {**made, "firstName": None, "phone": "2", "version": 2}
    refused(rest.call("POST", "/api/user", made), 409, 35,
            "User was changed meanwhile, read it again")
    assert rest.post("/api/user", {**made, "version": None})["version"] == 3
    assert rest.call("DELETE", path).body == b""
    refused(rest.call("GET", path), 404, 32, f"User with id [{made['id']['id']}] is not found")
    refused(rest.call("DELETE", path), 404, 32)
    refused(rest.call("POST", "/api/user", changed), 404, 32)


def test_a_tenant_administrator_makes_another_one_of_the_own_tenant(rest, system):
    other = make_tenant(system)
    made = rest.post("/api/user", {"email": address(), "authority": "TENANT_ADMIN",
                                   "tenantId": other["id"]})
    assert made["tenantId"] == rest.get("/api/auth/user")["tenantId"]
    assert made["customerId"]["id"] == NULL_ID
    rest.delete(f"/api/user/{made['id']['id']}")


@pytest.mark.parametrize("member", ["firstName", "lastName", "phone"])
def test_the_texts_of_a_user_leave_room_in_a_token(rest, own_customer, member):
    user = rest.post("/api/user", of_customer(own_customer))
    refused(rest.call("POST", "/api/user", {**user, member: "x" * 256}), 400, 31,
            f"Validation error: '{member}' is longer than 255 characters")
    # As long as they may be, of what takes the most in JSON.
    longest = {"firstName": "\x01" * 255, "lastName": "\x01" * 255, "phone": "\x01" * 255}
    changed = rest.post("/api/user", {**user, **longest})
    session = activate(rest, changed)
    assert session.get("/api/auth/user")["firstName"] == longest["firstName"]


def test_the_system_administrator_makes_administrators(system, anyone):
    tenant = make_tenant(system)
    made = system.post("/api/user", {"email": address(), "authority": "TENANT_ADMIN",
                                     "tenantId": tenant["id"]})
    check(made, shapes.USER)
    assert (made["tenantId"], made["customerId"]["id"]) == (tenant["id"], NULL_ID)
    assert made["additionalInfo"] is None
    session = activate(system, made)
    assert session.get("/api/auth/user")["tenantId"] == tenant["id"]
    assert session.get("/api/tenant/devices", pageSize=9, page=0)["data"] == []
    page = system.get(f"/api/tenant/{tenant['id']['id']}/users", pageSize=9, page=0)
    check(page, shapes.page(shapes.USER))
    assert [user["email"] for user in page["data"]] == [made["email"]]
    refused(system.call("GET", f"/api/tenant/{NOBODY}/users", query={"pageSize": 1, "page": 0}),
            404, 32, f"Tenant with id [{NOBODY}] is not found")
    peer = system.post("/api/user", {"email": address(), "authority": "SYS_ADMIN"})
    assert (peer["tenantId"]["id"], peer["customerId"]["id"]) == (NULL_ID, NULL_ID)
    assert len(activate(system, peer).get("/api/tenants", pageSize=9, page=0)["data"]) > 1
    system.delete(f"/api/user/{peer['id']['id']}")


@pytest.mark.parametrize("change,reason", [
    ({"email": None}, "User email should be specified!"), ({"email": ""}, "User email"),
    ({"email": 1}, "'email' must be a text"), ({"email": "nobody"}, "'nobody' is not an email"),
    ({"email": "a@b@c"}, "is not an email"), ({"email": "a b@c"}, "is not an email"),
    ({"email": "@c"}, "is not an email"), ({"email": "a@"}, "is not an email"),
    ({"email": "TENANT@thingsboard.org"}, "User with such email already exists!"),
    ({"authority": None}, "'authority' must be"), ({"authority": "KING"}, "'authority' must be"),
    ({"firstName": 1}, "'firstName' must be a text"), ({"lastName": []}, "'lastName' must be"),
    ({"phone": {}}, "'phone' must be a text"),
    ({"additionalInfo": []}, "'additionalInfo' must be an object"),
    ({"customerId": None}, "referencing non existing customer"),
    ({"customerId": {"id": NOBODY}}, "referencing non existing customer"),
    ({"customerId": 5}, "'customerId' must hold an id"),
])
def test_user_that_is_not_valid_is_400(rest, own_customer, change, reason):
    answer = rest.call("POST", "/api/user", {**of_customer(own_customer), **change})
    refused(answer, 400, 31)
    assert reason in answer.json()["message"]


def test_a_tenant_that_is_not_there_is_400(system):
    for tenant in (None, {"id": NOBODY}):
        refused(system.call("POST", "/api/user", {
            "email": address(), "authority": "TENANT_ADMIN", "tenantId": tenant}), 400, 31,
            "Validation error: User is referencing non existing tenant!")


def test_what_a_user_is_never_changes(rest, system, own_customer):
    made = rest.post("/api/user", of_customer(own_customer))
    other = rest.post("/api/customer", {"title": f"other {next(_numbers)}"})
    tenant = make_tenant(system)
    for change, reason in (
            ({"authority": "TENANT_ADMIN"}, "User authority can't be changed!"),
            ({"customerId": other["id"]}, "User can't get another customer!"),
            ({"tenantId": tenant["id"]}, "User can't get another tenant!")):
        refused(rest.call("POST", "/api/user", {**made, **change}), 400, 31,
                f"Validation error: {reason}")
    assert rest.get(f"/api/user/{made['id']['id']}") == made
    kept = {name: made[name] for name in ("id", "email", "authority")}
    assert rest.post("/api/user", kept)["customerId"] == own_customer


def test_mail_is_refused_by_name(rest, own_customer):
    text = "This version sends no mail: ask for /api/user/{userId}/activationLink instead"
    refused(rest.call("POST", "/api/user?sendActivationMail=true", of_customer(own_customer)), 400,
            31, text)
    refused(rest.call("POST", "/api/user/sendActivationMail?email=a@b", {}), 400, 31, text)
    refused(rest.call("POST", "/api/user/sendActivationMail", {}), 400, 31,
            "Required request parameter 'email' is not present")


# Rights.

def test_who_may_make_whom(rest, system, customer, own_customer):
    denied = [(rest, "SYS_ADMIN"), (system, "CUSTOMER_USER"), (customer, "CUSTOMER_USER"),
              (customer, "TENANT_ADMIN"), (customer, "SYS_ADMIN")]
    tenant = rest.get("/api/auth/user")["tenantId"]
    for person, authority in denied:
        refused(person.call("POST", "/api/user", {
            "email": address(), "authority": authority, "customerId": own_customer,
            "tenantId": tenant}), 403, 20, DENIED)


def test_who_may_change_and_delete_whom(rest, system, own_customer):
    mine = rest.post("/api/user", of_customer(own_customer))
    peer = rest.post("/api/user", of_customer(own_customer))
    session = activate(rest, mine)
    # A customer user reads the others of the customer and changes the own account only.
    assert session.get(f"/api/user/{peer['id']['id']}") == peer
    own = session.get(f"/api/user/{mine['id']['id']}")
    assert session.post("/api/user", {**own, "firstName": "me"})["firstName"] == "me"
    for method, path, body in (
            ("POST", "/api/user", {**peer, "firstName": "me"}),
            ("DELETE", f"/api/user/{peer['id']['id']}", None),
            ("DELETE", f"/api/user/{mine['id']['id']}", None),
            ("POST", f"/api/user/{peer['id']['id']}/userCredentialsEnabled", None),
            ("GET", f"/api/user/{peer['id']['id']}/token", None),
            ("GET", f"/api/user/{peer['id']['id']}/activationLink", None),
            ("GET", f"/api/user/{peer['id']['id']}/activationLinkInfo", None),
            ("GET", "/api/user/tokenAccessEnabled", None)):
        refused(session.call(method, path, body), 403, 20, DENIED)
    # The system administrator does not reach users of customers, one tenant not those of another.
    other = make_tenant(system)
    stranger = activate(system, system.post("/api/user", {
        "email": address(), "authority": "TENANT_ADMIN", "tenantId": other["id"]}))
    for person in (system, stranger):
        refused(person.call("GET", f"/api/user/{peer['id']['id']}"), 403, 20, DENIED)
        refused(person.call("POST", "/api/user", {**peer, "firstName": "x"}), 403, 20, DENIED)
        refused(person.call("DELETE", f"/api/user/{peer['id']['id']}"), 403, 20, DENIED)
        refused(person.call("GET", f"/api/user/{peer['id']['id']}/activationLink"), 403, 20, DENIED)
        refused(person.call("GET", f"/api/user/{peer['id']['id']}/token"), 403, 20, DENIED)
        refused(person.call("POST", f"/api/user/{peer['id']['id']}/userCredentialsEnabled", {}),
                403, 20, DENIED)


@pytest.mark.parametrize("method,path", [
    ("GET", "/api/user/{}"), ("DELETE", "/api/user/{}"), ("GET", "/api/user/{}/token"),
    ("GET", "/api/user/{}/activationLink"), ("GET", "/api/user/{}/activationLinkInfo"),
    ("POST", "/api/user/{}/userCredentialsEnabled")])
def test_user_of_nobody_is_404(rest, method, path):
    refused(rest.call(method, path.format(NOBODY)), 404, 32,
            f"User with id [{NOBODY}] is not found")
    refused(rest.call(method, path.format("x")), 400, 31, "Invalid UUID string: x")


def test_the_last_system_administrator_stays(system):
    own = system.get("/api/auth/user")["id"]["id"]
    refused(system.call("DELETE", f"/api/user/{own}"), 403, 20,
            "A system administrator can't delete the own account!")
    refused(system.call("POST", f"/api/user/{own}/userCredentialsEnabled?"
                                "userCredentialsEnabled=false", {}), 400, 31,
            "Nobody can disable or enable the own account!")
    assert system.get("/api/auth/user")["id"]["id"] == own


def test_users_are_listed(rest, customer, own_customer):
    made = rest.post("/api/user", of_customer(own_customer))
    query = {"pageSize": 100, "page": 0, "sortProperty": "email"}
    for path in ("/api/users", "/api/users/info"):
        page = rest.get(path, **query)
        check(page, shapes.page(shapes.USER))
        emails = [user["email"] for user in page["data"]]
        assert emails == sorted(emails, key=str.lower)
        assert {made["email"], "tenant@thingsboard.org", "customerB@thingsboard.org"} <= set(emails)
        own = {user["email"] for user in customer.get(path, **query)["data"]}
        assert made["email"] in own and "customerB@thingsboard.org" not in own
    found = rest.get("/api/users", **{**query, "textSearch": made["email"].upper()})
    assert found["data"] == [made]
    of = rest.get(f"/api/customer/{own_customer['id']}/users", **query)["data"]
    assert made in of


def test_users_are_limited_by_the_profile(system):
    profile = make_profile(system, maxUsers=1)
    tenant = make_tenant(system, tenantProfileId=profile["id"])
    body = {"authority": "TENANT_ADMIN", "tenantId": tenant["id"]}
    first = system.post("/api/user", {**body, "email": address()})
    too_many(system.call("POST", "/api/user", {**body, "email": address()}), "USER", 1,
             "Users limit reached")
    session = activate(system, first)
    too_many(session.call("POST", "/api/user", {**body, "email": address()}), "USER", 1,
             "Users limit reached")
    assert session.post("/api/user", {**first, "version": None, "phone": "1"})["phone"] == "1"


# The way to a password.

def test_a_new_user_chooses_a_password(rest, anyone, own_customer):
    made = rest.post("/api/user", of_customer(own_customer, additionalInfo={"lang": "de_DE"}))
    login = {"username": made["email"], "password": PASSWORD}
    refused(anyone.call("POST", "/api/auth/login", login), 401, 10,
            "Invalid username or password")
    info = rest.get(f"/api/user/{made['id']['id']}/activationLinkInfo")
    check(info, {"value": str, "ttlMs": int})
    token = token_of(rest, made)
    assert info["value"].endswith(f"/api/noauth/activate?activateToken={token}")
    assert 0 < info["ttlMs"] <= 24 * 3600 * 1000
    answer = anyone.call("GET", f"/api/noauth/activate?activateToken={token}")
    assert (answer.status, answer.body) == (303, b"")
    assert answer.headers["Location"] == f"/login/createPassword?activateToken={token}"
    refused(anyone.call("POST", "/api/noauth/activate", {
        "activateToken": token, "password": "short"}), 400, 31,
        "Password must be 6 or more characters in length.")
    pair = anyone.ok("POST", "/api/noauth/activate?sendActivationMail=false", {
        "activateToken": token, "password": PASSWORD})
    check(pair, shapes.TOKENS)
    assert claims(pair["token"])["userId"] == made["id"]["id"]
    assert claims(pair["token"])["enabled"] is True
    session = Rest(anyone.port, pair["token"])
    assert session.get("/api/auth/user")["email"] == made["email"]
    assert Rest(anyone.port).log_in(made["email"], PASSWORD).token
    # The flags are told, survive a save, and the secret is used up.
    flags = {"userCredentialsEnabled": True, "userActivated": True}
    now = rest.get(f"/api/user/{made['id']['id']}")
    assert now["additionalInfo"] == {"lang": "de_DE", **flags}
    saved = rest.post("/api/user", {**now, "additionalInfo": {"lang": "fr_FR"}})
    assert saved["additionalInfo"] == {"lang": "fr_FR", **flags}
    refused(anyone.call("GET", f"/api/noauth/activate?activateToken={token}"), 409, 35)
    refused(anyone.call("POST", "/api/noauth/activate", {
        "activateToken": token, "password": "another"}), 400, 31,
        "The activation token is not known, used up or over")
    for tail in ("activationLink", "activationLinkInfo"):
        refused(rest.call("GET", f"/api/user/{made['id']['id']}/{tail}"), 400, 31,
                "User is already activated!")


@pytest.mark.parametrize("body,reason", [
    ({}, "must be texts"), ({"activateToken": "x"}, "must be texts"),
    ({"activateToken": 1, "password": PASSWORD}, "must be texts"),
    ({"activateToken": "x", "password": PASSWORD}, "is not known"),
    ({"activateToken": "", "password": PASSWORD}, "is not known"), ([], "not a JSON object")])
def test_activation_that_is_not_valid_is_400(anyone, body, reason):
    answer = anyone.call("POST", "/api/noauth/activate", body)
    refused(answer, 400, 31)
    assert reason in answer.json()["message"]


def test_a_link_that_is_none_is_refused(anyone):
    refused(anyone.call("GET", "/api/noauth/activate?activateToken=x"), 409, 35)
    refused(anyone.call("GET", "/api/noauth/activate?activateToken="), 400, 31)
    refused(anyone.call("GET", "/api/noauth/activate"), 400, 31)


def test_the_policy_of_passwords_is_told(anyone):
    policy = anyone.get("/api/noauth/userPasswordPolicy")
    assert policy == {
        "minimumLength": 6, "maximumLength": 511, "minimumUppercaseLetters": None,
        "minimumLowercaseLetters": None, "minimumDigits": None, "minimumSpecialCharacters": None,
        "allowWhitespaces": True, "forceUserToResetPasswordIfNotValid": False,
        "passwordExpirationPeriodDays": None, "passwordReuseFrequencyDays": None}


# Switching off, and acting in the name of another.

def test_a_disabled_user_is_out_until_enabled_again(rest, anyone, own_customer):
    made = rest.post("/api/user", of_customer(own_customer))
    path = f"/api/user/{made['id']['id']}/userCredentialsEnabled"
    refused(rest.call("POST", f"{path}?userCredentialsEnabled=true", {}), 400, 31,
            "User is not activated yet!")
    session = activate(rest, made)
    assert rest.call("POST", f"{path}?userCredentialsEnabled=false", {}).body == b""
    refused(session.call("GET", "/api/auth/user"), 401, 11)
    login = {"username": made["email"], "password": PASSWORD}
    refused(anyone.call("POST", "/api/auth/login", login), 401, 10, "User account is not active")
    info = rest.get(f"/api/user/{made['id']['id']}")["additionalInfo"]
    assert info == {"userCredentialsEnabled": False, "userActivated": True}
    refused(rest.call("GET", f"/api/user/{made['id']['id']}/token"), 403, 20,
            "User account is not active")
    rest.ok("POST", path, {})
    time.sleep(0.01)
    refused(session.call("GET", "/api/auth/user"), 401, 11)
    assert Rest(anyone.port).log_in(made["email"], PASSWORD).get("/api/auth/user")
    refused(rest.call("POST", f"{path}?userCredentialsEnabled=x", {}), 400, 31)


def test_a_deleted_user_is_out_and_the_address_is_free(rest, anyone, own_customer):
    body = of_customer(own_customer)
    made = rest.post("/api/user", body)
    waiting = rest.post("/api/user", of_customer(own_customer))
    token = token_of(rest, waiting)
    session = activate(rest, made)
    for user in (made, waiting):
        rest.delete(f"/api/user/{user['id']['id']}")
    refused(session.call("GET", "/api/auth/user"), 401, 11)
    refused(anyone.call("GET", f"/api/noauth/activate?activateToken={token}"), 409, 35)
    assert rest.post("/api/user", body)["id"] != made["id"]


def test_administrators_act_in_the_name_of_those_below(rest, system, customer):
    assert rest.get("/api/user/tokenAccessEnabled") is True
    below = customer.get("/api/auth/user")["id"]["id"]
    pair = rest.get(f"/api/user/{below}/token")
    check(pair, shapes.TOKENS)
    assert Rest(rest.port, pair["token"]).get("/api/auth/user")["id"]["id"] == below
    assert Rest(rest.port, pair["token"]).ok("POST", "/api/auth/token", {
        "refreshToken": pair["refreshToken"]})
    own = rest.get("/api/auth/user")["id"]["id"]
    pair = system.get(f"/api/user/{own}/token")
    assert Rest(rest.port, pair["token"]).get("/api/auth/user")["id"]["id"] == own
    refused(rest.call("GET", f"/api/user/{own}/token"), 403, 20, DENIED)
    refused(system.call("GET", f"/api/user/{below}/token"), 403, 20, DENIED)
    peer = system.get("/api/auth/user")["id"]["id"]
    refused(system.call("GET", f"/api/user/{peer}/token"), 403, 20, DENIED)


def test_tokens_of_others_may_be_switched_off_and_users_outlast_a_restart(place):
    server = place.server(settings=["auth.user-tokens=false"])
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)
    customer = Rest(server.http_port).log_in(*CUSTOMER).get("/api/auth/user")
    assert rest.get("/api/user/tokenAccessEnabled") is False
    refused(rest.call("GET", f"/api/user/{customer['id']['id']}/token"), 403, 20,
            "Tokens of other users are switched off")
    made = rest.post("/api/user", of_customer(customer["customerId"]))
    waiting = rest.post("/api/user", of_customer(customer["customerId"]))
    token = token_of(rest, waiting)
    session = activate(rest, made)
    server.stop()
    server.start()
    assert session.get("/api/auth/user")["email"] == made["email"]
    assert token_of(rest, waiting) == token
    assert Rest(server.http_port).log_in(made["email"], PASSWORD)
