import json
import subprocess
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest


@pytest.fixture(scope="session")
def sandbox():
    command = ["llavero", "serve", "--sandbox", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        yield server.stdout.readline().removeprefix("listening on ").strip()
        server.terminate()


def test_missing_key_differs_from_broken_backend(sandbox):
    url = f"{sandbox}/organizations/acme-corp/api-keys/0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01"
    for code in (404, 503):
        with pytest.raises(HTTPError) as raised:
            urlopen(Request(url, headers={"Prefer": f"code={code}"}))
        assert json.load(raised.value)["statusCode"] == code
