"""Validates both OpenAPI documents against the official 3.1 schema, then fuzzes a demo server by the first.

Usage: openapi.py PATH-OF-LLAVERO
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator

EXAMPLES = "300"

# Of a demo key that the first user cannot revoke; public, like everything of the demo.
DEMO_SECRET = "sk_PRonXEBXo0rt8BtStrkqBlLMLXxqqv1OKZ3h"


def main(llavero: str) -> None:
    for flags in ([], ["--sandbox"]):
        document = json.loads(subprocess.check_output([llavero, "openapi", *flags]))
        assert document["openapi"] == "3.1.0", document["openapi"]
        OpenAPIV31SpecValidator(document).validate()
    print("the document is valid OpenAPI 3.1, and so is the sandbox's")

    with tempfile.TemporaryDirectory() as directory:
        server = subprocess.Popen(
            [llavero, "serve", "--demo", "--listen", "127.0.0.1:0", "--database", f"{directory}/ci.db"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            fuzz(*greeting(server))
        finally:
            server.terminate()
            assert server.wait(timeout=15) == 0, "the server did not stop cleanly"


def greeting(server: subprocess.Popen) -> tuple[str, str]:
    """The API's URL and the first demo user's token."""
    url = token = None
    for line in server.stdout:
        url = url or next(iter(re.findall(r"^listening on (\S+)", line)), None)
        token = next(iter(re.findall(r"^(eyJ\S+)", line)), None)
        if token:
            return url, token
    sys.exit("the server printed no token")


def fuzz(url: str, token: str) -> None:
    schemathesis = Path(sys.executable).with_name("schemathesis")
    hooks = {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(Path(__file__).parent)}
    authenticated = ["--header", f"Authorization: Bearer {token}", "--header", f"X-API-Key: {DEMO_SECRET}"]
    for headers in ([], authenticated):
        subprocess.run(
            [schemathesis, "run", f"{url}/openapi.json", "--url", url, "--checks", "all",
             # A DELETE revokes: the key can still be read, with its statistics.
             "--exclude-checks", "use_after_free",
             "--max-examples", EXAMPLES, "--seed", "1", "--no-color", *headers],
            check=True,
            env=os.environ | hooks,
        )


main(sys.argv[1])
