"""The workers' side of the protocol: requests on standard input, one a line,
fields separated by tabs; answers on standard output, JSON behind "@@ "."""

import json
import resource
import statistics
import sys
import time
import traceback


def median_time(seconds, call):
    """The median time of a call within the given seconds, after a warm-up."""
    begin = time.perf_counter()
    call()
    one = time.perf_counter() - begin
    end = time.perf_counter() + seconds / 4
    while one < seconds and time.perf_counter() < end:
        call()
    times = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def serve(version, verbs):
    """Answers requests until standard input ends. verbs maps the first field to a
    function of the others, which returns seconds, or (seconds, tokens)."""
    for line in sys.stdin:
        verb, *fields = line.rstrip("\n").split("\t")
        answer = {"version": version}
        try:
            if verb != "hello":
                result = verbs[verb](*fields)
                if not isinstance(result, tuple):
                    result = (result, 0)
                answer.update(seconds=result[0], tokens=int(result[1]))
        except Exception as e:
            traceback.print_exc()
            answer = {"error": f"{type(e).__name__}: {e}"[:300]}
        answer["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print("@@ " + json.dumps(answer), flush=True)
