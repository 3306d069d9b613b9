"""libcoap's client and npm's coap-cli, as programs; their answers as (code, payload)."""

import pathlib
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
NPM_CLI = HERE / "node_modules/.bin/coap"
LIBCOAP_NAMES = ("coap-client", "coap-client-notls", "coap-client-openssl")
LIBCOAP_CODE = re.compile(r"^v:1 t:(?:ACK|CON|NON) c:([245]\.\d\d) ", re.MULTILINE)
NPM_CODE = re.compile(r"\((\d\.\d\d)\)")


def libcoap_program():
    found = next(filter(None, map(shutil.which, LIBCOAP_NAMES)), None)
    assert found, "libcoap's client is not installed (tools/setup test)"
    return found


def libcoap(url, method="post", payload=None, file=None, options=(), seconds=10):
    """The last response of libcoap's client: (code or None, what it wrote)."""
    # At level 6 it prints every message, so that answers of success can be told as well.
    command = [libcoap_program(), "-v", "6", "-B", str(seconds), "-m", method, *options]
    if file is not None:
        command += ["-f", str(file)]
    elif payload is not None:
        # Its -e decodes percent signs.
        command += ["-e", payload.replace("%", "%25")]
    done = subprocess.run([*command, url], capture_output=True, text=True, errors="replace",
                          timeout=seconds + 10)
    text = done.stdout + done.stderr
    codes = LIBCOAP_CODE.findall(text)
    return (codes[-1] if codes else None), text


def libcoap_get(url):
    """What libcoap's client prints for a GET: the payload of a success."""
    done = subprocess.run([libcoap_program(), "-m", "get", url], capture_output=True, text=True,
                          timeout=20, check=True)
    return done.stdout.rstrip("\n")


def npm(url, method="post", payload=None, options=(), seconds=10):
    """The response of npm's client: (code or None, payload)."""
    assert NPM_CLI.exists(), "coap-cli is not installed (tools/setup test)"
    done = subprocess.run([str(NPM_CLI), method, *options, url], input=payload or "",
                          capture_output=True, text=True, timeout=seconds + 10)
    code = NPM_CODE.search(done.stderr)
    return (code.group(1) if code else None), done.stdout.rstrip("\n")
