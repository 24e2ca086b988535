#!/usr/bin/env python3
"""Looks through huggingface_hub at a cache that package hub filled, or fills one for it.

Written against huggingface_hub 2.4.0; 0.30 and later have the same layout. Nothing is sent to a network:
HF_ENDPOINT is a server of the test's process.

    check_cache.py find CACHE REPO REVISION FILE...    each file is found offline, and so is the snapshot
    check_cache.py fetch CACHE REPO REVISION           snapshot_download from HF_ENDPOINT into CACHE

Prints the snapshot's directory. Exit 1 and a line on stderr: something was not found.
"""

import os
import sys

what, cache, repo, revision, *files = sys.argv[1:]
os.environ["HF_HUB_OFFLINE"] = "1" if what == "find" else "0"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ["HF_HUB_DISABLE_UPDATE_CHECK"] = "1"

import huggingface_hub

if what == "fetch":
    print(huggingface_hub.snapshot_download(repo, revision=revision, cache_dir=cache, token=False))
    sys.exit()
for name in files:
    path = huggingface_hub.try_to_load_from_cache(repo, name, cache_dir=cache, revision=revision)
    if not isinstance(path, str):
        sys.exit(f"{name}: try_to_load_from_cache says {path}")
    if huggingface_hub.hf_hub_download(repo, name, cache_dir=cache, revision=revision, local_files_only=True) != path:
        sys.exit(f"{name}: hf_hub_download finds another file")
info = huggingface_hub.scan_cache_dir(cache)
if info.warnings or [r.repo_id for r in info.repos] != [repo]:
    sys.exit(f"scan_cache_dir: {info.warnings}, {info.repos}")
print(huggingface_hub.snapshot_download(repo, revision=revision, cache_dir=cache, local_files_only=True))
