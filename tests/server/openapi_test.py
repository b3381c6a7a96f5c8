#!/usr/bin/env python3
"""Validates docs/openapi.json with openapi-spec-validator, and real answers of the server with its schemas.

    openapi_test.py build/dev/bin/genrewise      (exit code 77: a validator is not installed)

Every path and method of the document is requested at least once, and every answer, errors too, must be one that the
document describes: status, content type, and the schema of its JSON.
"""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import wave

try:
    import jsonschema
    import openapi_spec_validator
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from serving import Server

PROGRAM = os.path.abspath(sys.argv.pop(1))
with open(os.path.join(HERE, "..", "..", "docs", "openapi.json"), encoding="utf-8") as file:
    DOCUMENT = json.load(file)


def make_tone(path, step):
    with wave.open(path, "wb") as file:
        file.setparams((1, 2, 22050, 0, "NONE", ""))
        file.writeframes(b"".join(struct.pack("<h", (i * step) % 16000 - 8000) for i in range(22050 * 2)))


class OpenApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        for genre, step in (("high", 4000), ("low", 300)):
            os.makedirs(os.path.join(cls.folder, "music", genre))
            for i in range(6):
                make_tone(os.path.join(cls.folder, "music", genre, f"{i}.wav"), step + 10 * i)
        os.makedirs(os.path.join(cls.folder, "runs"))

        def run(*words):
            subprocess.run([PROGRAM, "-q", *words], check=True, cwd=cls.folder, capture_output=True)
        run("study", "music", "-o", "runs/study", "--features", "mfcc", "--models", "gnb", "logreg")
        run("library", "scan", "music", "--model", "runs/study/best.gwm", "--library", "library.db")
        cls.server = Server(PROGRAM, "--library", os.path.join(cls.folder, "library.db"), "--runs",
                            os.path.join(cls.folder, "runs"), "--data", os.path.join(cls.folder, "music"))
        cls.requested = set()

    @classmethod
    def tearDownClass(cls):
        cls.code = cls.server.stop()
        shutil.rmtree(cls.folder)

    def call(self, method, route, values=(), query="", body=None, headers=None, status=200):
        """Requests a route and validates the answer."""
        self.requested.add((route, method.lower()))
        path = route
        for value in values:
            path = path[:path.index("{")] + str(value) + path[path.index("}") + 1:]
        got, sent, text = self.server.request(method, path + query, body, headers)
        self.assertEqual(got, status, text[:500])
        responses = DOCUMENT["paths"][route][method.lower()]["responses"]
        response = responses.get(str(got), responses["default"])
        if "$ref" in response:
            response = DOCUMENT["components"]["responses"]["Error"]
        content = response.get("content")
        if not text:
            return None
        kind = sent["Content-Type"].split(";")[0]
        self.assertTrue(any(kind == one or (one.endswith("/*") and kind.startswith(one[:-1])) for one in content or {}),
                        f"{method} {route}: {kind} is not described")
        if kind != "application/json":
            return text
        document = json.loads(text)
        schema = {"$ref": "#/x", "x": content[kind]["schema"], "components": DOCUMENT["components"]}
        jsonschema.Draft202012Validator(schema).validate(document)
        return document

    def ended(self, started):
        for _ in range(3000):
            job = self.call("GET", "/v1/jobs/{id}", [started["job"]])
            if job["state"] not in ("queued", "running"):
                self.assertEqual(job["state"], "done", job)
                return job["result"]
            time.sleep(0.05)
        self.fail("the job does not end")

    def test_1_is_a_valid_document(self):
        openapi_spec_validator.validate(DOCUMENT)

    def test_2_describes_every_answer(self):
        call = self.call
        for route in ("/v1/health", "/metrics", "/v1/openapi.json", "/v1/library", "/v1/library/tracks", "/v1/library/groups",
                      "/v1/library/map", "/v1/library/tags/history", "/v1/jobs", "/v1/runs", "/v1/data"):
            call("GET", route)
        has_page = self.server.request("GET", "/")[0] == 200
        call("GET", "/", status=200 if has_page else 404)
        call("GET", "/assets/{name}", ["charts.js"])
        call("GET", "/assets/app/{name}", ["none.js"], status=404)
        call("POST", "/v1/session", body={"token": "x"}, status=401)
        call("DELETE", "/v1/session", status=204)
        tone = os.path.join(self.folder, "music", "low", "0.wav")
        with open(tone, "rb") as wav:
            audio = wav.read()
        upload = call("POST", "/v1/predict", body=audio, headers={"Content-Type": "audio/wav"})["upload"]
        self.ended(call("POST", "/v1/predict", query="?job=1", body={"upload": upload}, status=202))
        call("POST", "/v1/predict", body=b"no audio", headers={"Content-Type": "audio/wav"}, status=422)
        call("POST", "/v1/embed", body={"track": 1})
        for kind, one in (("track", 1), ("upload", upload)):
            call("GET", f"/v1/audio/{kind}/{{id}}", [one], headers={"Range": "bytes=0-9"}, status=206)
            call("GET", f"/v1/waveform/{kind}/{{id}}", [one])
            call("GET", "/v1/similar", query=f"?{kind}={one}")
        call("GET", "/v1/library/tracks/{id}", [1])
        call("GET", "/v1/library/tracks/{id}", [999], status=404)
        call("GET", "/v1/library/tracks", query="?q=colour:red", status=400)
        call("POST", "/v1/library/tracks/{id}/correct", [1], body={"genre": "Rock"})
        call("POST", "/v1/library/correct", body={"tracks": [1], "genre": None})
        call("POST", "/v1/playlists", body={})
        call("POST", "/v1/playlists", query="?preview=1", body={"format": "xspf"})
        plan = call("POST", "/v1/library/tags/plan", body={"q": "genre:low"})
        self.ended(call("POST", "/v1/library/tags/apply", body={"plan": plan["plan"]}, status=202))
        call("GET", "/v1/library/tags/history/{batch}", [1])
        self.ended(call("POST", "/v1/library/tags/undo", body={}, status=202))
        scan = call("POST", "/v1/library/scan", body={}, status=202)
        self.ended(scan)
        call("DELETE", "/v1/jobs/{id}", [scan["job"]])
        self.assertIn(b"event: end", call("GET", "/v1/jobs/{id}/events", [scan["job"]]))
        for part in ("report", "results", "curves", "events"):
            call("GET", f"/v1/runs/{{name}}/{part}", ["study"])
        call("GET", "/v1/runs/{name}/report", ["none"], status=404)
        call("GET", "/v1/data/{name}", ["music"], status=409)
        self.ended(call("POST", "/v1/data/{name}/inspect", ["music"], status=202))
        call("GET", "/v1/data/{name}", ["music"])
        call("GET", "/v1/audio/clip/{name}/{index}", ["music", 0])

    def test_3_requests_every_route(self):
        documented = {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}
        self.assertEqual(documented, self.requested)

    def test_4_stops(self):
        self.assertEqual(self.server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
