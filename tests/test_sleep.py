"""Devices that save power are sent nothing while they sleep (device-api.md 7.1)."""

import json
import time

import pytest

from observer import Observer
from raw_coap import OBSERVE, RawClient
from scopes import share

AWAKE = 1.5


def settings(mode, timer):
    return {"powerMode": mode, "psmActivityTimer": timer, "edrxCycle": None,
            "pagingTransmissionWindow": timer}


def profile_of(name, client_settings):
    return {"name": name, "type": "DEFAULT", "transportType": "COAP", "profileData": {
        "configuration": {"type": "DEFAULT"},
        "transportConfiguration": {
            "type": "COAP",
            "coapDeviceTypeConfiguration": {
                "coapDeviceType": "DEFAULT",
                "transportPayloadTypeConfiguration": {"transportPayloadType": "JSON"}},
            "clientSettings": client_settings},
        "provisionConfiguration": {"type": "DISABLED", "provisionDeviceSecret": None},
        "alarms": None}}


@pytest.fixture
def psm(rest, device):
    """The device, in a profile with PSM; and the profile."""
    profile = rest.post("/api/deviceProfile",
                        profile_of(f"PSM {device.name}", settings("PSM", int(AWAKE * 1000))))
    moved = rest.get(f"/api/device/{device.id}")
    rest.post("/api/device", {**moved, "deviceProfileId": profile["id"]})
    return profile


def told(message):
    assert message is not None, "no notification"
    return message.number(OBSERVE), json.loads(message.payload)


def test_what_waits_goes_out_with_the_next_message(rest, device, psm):
    with Observer(device, "attributes") as watch:
        watch.register()
        share(rest, device, {"a": 1})
        assert told(watch.next()) == (1, {"a": 1})
        time.sleep(AWAKE + 0.3)
        share(rest, device, {"a": 2})
        share(rest, device, {"b": 3})
        assert watch.next(1) is None
        watch.client.post(device.token, '{"t":1}')
        assert told(watch.next()) == (2, {"a": 2, "b": 3})


def test_the_devices_own_mode_goes_before_its_profiles(rest, device, psm):
    saved = rest.get(f"/api/device/{device.id}")
    saved["deviceData"] = {"configuration": {"type": "DEFAULT"},
                           "transportConfiguration": {"type": "COAP", "powerMode": "DRX"}}
    rest.post("/api/device", saved)
    with Observer(device, "attributes") as watch:
        watch.register()
        time.sleep(AWAKE + 0.3)
        share(rest, device, {"a": 1})
        assert told(watch.next(1)) == (1, {"a": 1})


def test_a_changed_profile_reaches_its_devices(rest, device, psm):
    with Observer(device, "attributes") as watch:
        watch.register()
        psm["profileData"]["transportConfiguration"]["clientSettings"] = settings("DRX", None)
        rest.post("/api/deviceProfile", psm)
        watch.client.post(device.token, '{"t":1}')
        time.sleep(AWAKE + 0.3)
        share(rest, device, {"a": 1})
        assert told(watch.next(1)) == (1, {"a": 1})


def test_the_newest_address_is_tried_first(rest, device, psm):
    with Observer(device, "attributes") as watch, RawClient(device.server.coap_port) as moved:
        watch.register()
        moved.post(device.token, '{"t":1}')
        share(rest, device, {"a": 1})
        assert watch.client.receive(0.3) is None
        watch.client = moved
        assert told(watch.next(1)) == (1, {"a": 1})
