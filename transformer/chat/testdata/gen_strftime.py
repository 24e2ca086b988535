"""Makes strftime.json: what Python's datetime.strftime writes in the C locale on
Linux, for every letter, bare and behind each flag, at times that tell fields apart.
The times have no zone, as those that transformers' strftime_now takes. Run it here:

    LC_ALL=C python gen_strftime.py
"""
import datetime
import json
import os
import string

HERE = os.path.dirname(os.path.abspath(__file__))

TIMES = [
    (2024, 3, 5, 14, 7, 9, 120045),   # one-digit day, month, minute and second
    (2024, 12, 30, 0, 0, 0, 0),       # midnight; the first ISO week of the next year
    (2023, 1, 1, 12, 30, 59, 999999), # noon; the last ISO week of the year before
    (2021, 10, 31, 23, 59, 5, 1000),
    (1999, 7, 4, 1, 2, 3, 4),
]
FORMATS = ["%" + flag + letter for flag in ("", "-", "_", "0", "^", "#", "E", "O", ":", "3") for letter in string.ascii_letters + "+%"]
FORMATS += ["", "%", "a%", "100%%", "%%d", "%d %b %Y", "%B %-d, %Y", "%A, %d %B %Y", "%-I:%M %p", "%Y-%m-%dT%H:%M:%S", "Mon %Mon 02 Jan", "ü %d é", "%é", "% d", "\n%d\t"]

cases = []
for t in TIMES:
    when = datetime.datetime(*t)
    cases.append({"time": when.isoformat(timespec="microseconds") + "Z", "written": {f: when.strftime(f) for f in FORMATS}})
with open(os.path.join(HERE, "strftime.json"), "w") as f:
    json.dump(cases, f, ensure_ascii=False, indent=1)
    f.write("\n")
