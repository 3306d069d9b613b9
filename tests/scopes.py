"""Attributes of a device by scope, as people set and read them."""


def share(rest, device, values):
    rest.post(f"/api/plugins/telemetry/DEVICE/{device.id}/SHARED_SCOPE", values)


def unshare(rest, device, keys):
    rest.delete(f"/api/plugins/telemetry/DEVICE/{device.id}/SHARED_SCOPE?keys={keys}")


def scope(rest, device, name):
    found = rest.get(f"/api/plugins/telemetry/DEVICE/{device.id}/values/attributes/{name}")
    return {one["key"]: one["value"] for one in found}
