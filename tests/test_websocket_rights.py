"""WebSocket: a connection ends with the session of its user, and tells nothing of a device that is
not the user's any more."""

import time

import pytest

from rest_client import CUSTOMER, TENANT, Rest
from test_entity_query import TEMPERATURE, listed, query
from test_entity_watch import Watch, point
from test_users import PASSWORD, activate, address, of_customer
from test_websocket import Live, command

# The longest that the end of a session stays unseen, and then some.
SEEN_SECONDS = 12


@pytest.fixture
def own_customer(rest):
    return Rest(rest.port).log_in(*CUSTOMER).get("/api/auth/user")["customerId"]


@pytest.fixture
def theirs(rest, device, own_customer):
    """A device of the customer."""
    rest.post(f"/api/customer/{own_customer['id']}/device/{device.id}", None)
    return device


def log_out(rest, user, session):
    session.ok("POST", "/api/auth/logout")


def switch_off(rest, user, session):
    rest.ok("POST", f"/api/user/{user['id']['id']}/userCredentialsEnabled",
            query={"userCredentialsEnabled": "false"})


def delete(rest, user, session):
    rest.delete(f"/api/user/{user['id']['id']}")


def change_password(rest, user, session):
    session.post("/api/auth/changePassword", {"currentPassword": PASSWORD,
                                              "newPassword": "another one"})


@pytest.mark.parametrize("end", [log_out, switch_off, delete, change_password])
def test_a_connection_ends_with_the_session(rest, theirs, own_customer, end):
    user = rest.post("/api/user", of_customer(own_customer))
    session = activate(rest, user)
    with Live(session) as live:
        live.send({"tsSubCmds": [command(theirs)]})
        assert live.next()["errorCode"] == 0
        end(rest, user, session)
        assert live.close_code(SEEN_SECONDS) == 1008


@pytest.mark.parametrize("end", [log_out, delete])
def test_the_next_command_sees_that_the_session_is_over(rest, theirs, own_customer, end):
    user = rest.post("/api/user", of_customer(own_customer))
    session = activate(rest, user)
    with Live(session) as live:
        live.send({"tsSubCmds": []})
        end(rest, user, session)
        live.send({"tsSubCmds": [command(theirs)]})
        assert live.close_code(1) == 1008


def test_a_connection_ends_with_its_token_unless_it_gets_another(place, rest_of):
    server = place.server(settings=["auth.token-life=4s"])
    server.start()
    device, rest = rest_of(server, "brief")
    began = time.monotonic()
    with Live(rest) as ended, Live(rest, "/api/ws") as renewed:
        renewed.send({"authCmd": {"cmdId": 0, "token": rest.token},
                      "cmds": [{"type": "TIMESERIES", **command(device)}]})
        assert renewed.next()["data"] == {}
        time.sleep(2)
        renewed.send({"authCmd": {"cmdId": 0, "token": Rest(rest.port).log_in(*TENANT).token}})
        assert ended.close_code(6) == 1008
        assert 2 < time.monotonic() - began < 7
        point(device, 1000, t=1)
        assert renewed.next()["data"] == {"t": [[1000, "1"]]}
        assert renewed.close_code(6) == 1008


def test_another_user_on_a_connection_begins_without_subscriptions(rest, device):
    customer = Rest(rest.port).log_in(*CUSTOMER)
    with Live(rest, "/api/ws") as live:
        live.send({"authCmd": {"cmdId": 0, "token": rest.token},
                   "cmds": [{"type": "TIMESERIES", **command(device)}]})
        assert live.next()["data"] == {}
        live.send({"authCmd": {"cmdId": 0, "token": customer.token},
                   "cmds": [{"type": "TIMESERIES", **command(device, 2)}]})
        frame = live.next()
        assert (frame["subscriptionId"], frame["errorCode"]) == (2, 3)
        point(device, 1000, t=1)
        assert live.next(0.5) is None


@pytest.mark.parametrize("kind,content", [
    ("tsSubCmds", {}), ("attrSubCmds", {"scope": "SERVER_SCOPE"})])
def test_a_device_that_is_taken_away_is_told_no_more(rest, theirs, own_customer, kind, content):
    def change(value):
        point(theirs, value, t=value)
        rest.post(f"/api/plugins/telemetry/DEVICE/{theirs.id}/attributes/SERVER_SCOPE",
                  {"t": value})

    with Live(Rest(rest.port).log_in(*CUSTOMER)) as live:
        live.send({kind: [command(theirs, keys="t", **content)]})
        assert live.next()["errorCode"] == 0
        change(1)
        assert live.next()["data"]["t"][0][1] == "1"
        rest.delete(f"/api/customer/device/{theirs.id}")
        change(2)
        frame = live.next()
        assert (frame["subscriptionId"], frame["errorCode"], frame["errorMsg"], frame["data"]) == (
            1, 3, "Unauthorized", {})
        rest.post(f"/api/customer/{own_customer['id']}/device/{theirs.id}", None)
        change(3)
        assert live.next(0.5) is None


def test_a_list_tells_nothing_of_a_device_that_is_taken_away(rest, theirs, own_customer):
    with Live(Rest(rest.port).log_in(*CUSTOMER)) as live:
        watch = Watch(live, False)
        wanted = query(listed(theirs.id))
        wanted["pageLink"]["dynamic"] = False
        window = {"keys": ["temperature"], "startTs": 0, "limit": 10}
        point(theirs, 1000, temperature=1)
        watch.data(query=wanted, latestCmd={"keys": [TEMPERATURE]},
                   tsCmd={**window, "timeWindow": 2000})
        assert len(watch.snapshot()["data"]) == 1
        point(theirs, 1100, temperature=2)
        assert len(watch.update()) == 1
        rest.delete(f"/api/customer/device/{theirs.id}")
        point(theirs, 1200, temperature=3)
        assert watch.is_silent()
        # Nor when later commands ask for more of it.
        watch.data(historyCmd={**window, "endTs": 5000})
        assert [row["timeseries"] for row in watch.update()] == [{}]
        watch.data(tsCmd={**window, "timeWindow": 5000})
        assert [row["timeseries"] for row in watch.update()] == [{}]
        watch.data(latestCmd={"keys": [TEMPERATURE]})
        assert [row["latest"] for row in watch.update()] == [{}]
        # Given back, it is told again.
        rest.post(f"/api/customer/{own_customer['id']}/device/{theirs.id}", None)
        point(theirs, 1300, temperature=4)
        assert watch.update()[0]["latest"]["TIME_SERIES"]["temperature"]["value"] == "4"
