"""ONNX Runtime as a Python program calls it: one thread, NumPy arrays that were made before.

Reads a JSON object a line and answers each with one: {"model", "rows", "inputs"} loads, {"runs"} runs that often and tells the
CPU time of this thread."""

import json
import sys
import time

import numpy as np
import onnxruntime as rt

TYPES = {"float": np.float32, "double": np.float64, "int64": np.int64, "int32": np.int32, "bool": np.bool_, "string": object}


def session(path):
    options = rt.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return rt.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def answer(request, state):
    if "model" in request:
        state["session"] = session(request["model"])
        state["feeds"] = {
            i["name"]: np.array(i["data"], dtype=TYPES[i["type"]]).reshape([request["rows"] if d < 0 else d for d in i["shape"]])
            for i in request["inputs"]
        }
        return {}
    run, feeds = state["session"].run, state["feeds"]
    start = time.thread_time_ns()
    for _ in range(request["runs"]):
        run(None, feeds)
    return {"nanos": time.thread_time_ns() - start}


state = {}
for line in sys.stdin:
    try:
        reply = answer(json.loads(line), state)
    except Exception as e:
        reply = {"error": str(e)}
    print(json.dumps(reply), flush=True)
