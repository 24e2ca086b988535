#!/usr/bin/env python3
"""Makes minisign/ beside this script with minisign 0.11 (Debian's), which TestMinisign reads:

    python3 gen_minisign.py

message            what is signed
password.key/.pub  a pair that is encrypted with the password "between two houses"
plain.key/.pub     a pair without a password (-W)
prehashed.minisig  of message by plain.key: "ED", over its BLAKE2b-512
legacy.minisig     of message by plain.key: "Ed", over its bytes (-l)
password.minisig   of message by password.key
version            what minisign -v says

Keys are drawn anew at each run, and so every file changes. They sign nothing but this message.
"""

import pathlib
import subprocess

WANT = "minisign 0.11"
PASSWORD = b"between two houses\n"
COMMENT = "lamina emulator exchange=000102030405060708090a0b0c0d0e0f sequence=1"

out = pathlib.Path(__file__).parent / "minisign"
out.mkdir(exist_ok=True)


def minisign(*args, password=b""):
    done = subprocess.run(["minisign", *args], cwd=out, input=password, capture_output=True, check=True)
    return done.stdout.decode()


version = minisign("-v").strip()
assert version == WANT, f"{version}: want {WANT}"
(out / "version").write_text(version + "\n")
(out / "message").write_text('{\n  "schema": 1\n}\n')
minisign("-G", "-f", "-p", "password.pub", "-s", "password.key", password=PASSWORD * 2)
minisign("-G", "-f", "-W", "-p", "plain.pub", "-s", "plain.key")
minisign("-S", "-s", "plain.key", "-m", "message", "-x", "prehashed.minisig", "-t", COMMENT)
minisign("-S", "-l", "-s", "plain.key", "-m", "message", "-x", "legacy.minisig", "-t", COMMENT)
minisign("-S", "-s", "password.key", "-m", "message", "-x", "password.minisig", "-t", COMMENT, password=PASSWORD)
