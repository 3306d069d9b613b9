"""The page /docs in a real Chromium: every operation is shown, nothing is fetched from elsewhere,
nothing is complained about on the console."""

import html.parser
import pathlib
import re
import subprocess

import pytest

import openapi_check
from rest_client import Rest

CHROMIUM = pathlib.Path("/usr/bin/chromium")
# A virtual clock, which stops while the network is waited for.
BUDGET_MS = 10_000

needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="there is no /usr/bin/chromium: the page /docs was not looked at")


class Shown(html.parser.HTMLParser):
    """What of a page the tests look at."""

    def __init__(self, text):
        super().__init__()
        self.operations, self.links, self.ids, self.outside = [], [], set(), []
        self.text, self.tag = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tag = tag
        attributes = dict(attrs)
        self.operations += [attributes[name] for name in attributes if name == "data-operation"]
        self.ids |= {attributes["id"]} if "id" in attributes else set()
        if tag == "a":
            self.links.append(attributes.get("href", ""))
        for name in ("src", "href"):
            if not attributes.get(name, "/").startswith(("/", "#", "data:,")):
                self.outside.append(attributes[name])

    def handle_data(self, data):
        if self.tag not in ("script", "style"):
            self.text.append(data)

    def handle_endtag(self, tag):
        self.tag = ""


def browse(url, directory, *options):
    """The document after its script ran, and what Chromium said meanwhile."""
    done = subprocess.run(
        [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--no-first-run", "--disable-background-networking", f"--user-data-dir={directory}",
         "--enable-logging=stderr", "--v=0", f"--virtual-time-budget={BUDGET_MS}", *options,
         "--dump-dom", url],
        capture_output=True, text=True, timeout=120, errors="replace")
    assert done.returncode == 0, done.stderr[-2000:]
    return Shown(done.stdout), re.findall(r".*CONSOLE.*", done.stderr)


@needs_chromium
@pytest.mark.parametrize("size", ["1280,900", "390,844"])
def test_the_page_shows_every_operation_without_complaint(server, tmp_path, size):
    shown, console = browse(f"{server.http}/docs", tmp_path, f"--window-size={size}")
    described = {f"{method.upper()} {path}"
                 for path, operations in openapi_check.document().content["paths"].items()
                 for method in operations}
    assert set(shown.operations) == described
    assert len(shown.operations) == len(described)
    assert console == []
    assert shown.outside == []
    text = "".join(shown.text)
    for parameter in openapi_check.document().content["components"]["parameters"].values():
        assert parameter["description"] in text
    assert "undefined" not in text and "[object Object]" not in text


@needs_chromium
def test_every_link_of_the_page_leads_somewhere(server, tmp_path):
    shown, _ = browse(f"{server.http}/docs", tmp_path)
    inner = {link[1:] for link in shown.links if link.startswith("#")}
    assert len(inner) > 10 and inner <= shown.ids, inner - shown.ids


@needs_chromium
def test_the_console_is_heard(tmp_path):
    """The check above can fail: a page that breaks its own policy is heard."""
    page = tmp_path / "page.html"
    page.write_text("<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
                    "<script>1</script>")
    _, console = browse(page.as_uri(), tmp_path / "profile")
    assert any("Content Security Policy" in line for line in console), console


def test_the_page_allows_its_own_script_and_style_only(server):
    page = Rest(server.http_port).call("GET", "/docs").body.decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page).group(1)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'" and rules["connect-src"] == "'self'"
    assert rules["script-src"].startswith("'sha256-") and rules["style-src"].startswith("'sha256-")
    assert "unsafe" not in policy and "http" not in policy
    assert page.count("<script>") == page.count("<style>") == 1
    assert not re.search(r"\s(on\w+|style)=", page), "inline handlers and styles are not allowed"
