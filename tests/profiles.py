"""What a test sets in the tenant profile of the demo's tenant."""

from rest_client import SYSADMIN, Rest


def configure(server, **fields):
    """Sets these fields of the default tenant profile; None takes one away."""
    system = Rest(server.http_port).log_in(*SYSADMIN)
    info = system.get("/api/tenantProfileInfo/default")
    profile = system.get(f"/api/tenantProfile/{info['id']['id']}")
    configuration = profile["profileData"]["configuration"]
    for name, value in fields.items():
        if value is None:
            configuration.pop(name, None)
        else:
            configuration[name] = value
    system.post("/api/tenantProfile", profile)
