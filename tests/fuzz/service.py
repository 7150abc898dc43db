"""The built service on a free port, for scripts/fuzz and scripts/client."""

import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HOUSE = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or HOUSE / "target").resolve()
OWNER = "owner@example.org"
START_SECONDS_MAX = 60


class Service:
    """The built program on a free port; gone with its data when it is left."""

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="rejoinder-"))
        self.password = secrets.token_urlsafe(24)
        self.log = self.directory / "service.log"
        environment = {
            "PATH": os.environ["PATH"],
            "REJOINDER_LISTEN": "127.0.0.1:0",
            "REJOINDER_DATA_DIR": str(self.directory / "data"),
            "REJOINDER_SITE_ORIGINS": "https://example.org",
            "REJOINDER_ADMIN_EMAIL": OWNER,
            "REJOINDER_ADMIN_PASSWORD": self.password,
            "REJOINDER_RATE_LIMIT": "off",
            "REJOINDER_LOG_FORMAT": "json",
        }
        if "REJOINDER_POSTGRES_BIN" in os.environ:
            environment["REJOINDER_POSTGRES_BIN"] = os.environ["REJOINDER_POSTGRES_BIN"]
        with self.log.open("wb") as log:
            program = TARGET / "debug" / "rejoinder"
            self.process = subprocess.Popen([program], env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until = time.monotonic() + START_SECONDS_MAX
        while not (found := re.search(r"running at (http://[\d.:]+)", self.log.read_text())):
            if self.process.poll() is not None or time.monotonic() > until:
                self.process.kill()
                sys.exit(f"the service didn't start:\n{self.log.read_text()}")
            time.sleep(0.05)
        self.base = found.group(1)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        shutil.rmtree(self.directory)

    def ask(self, method, path, body=None, token=None):
        """The answer's JSON; anything but a success ends the run."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as refusal:
            sys.exit(f"{method} {path}: {refusal.read().decode()}")
