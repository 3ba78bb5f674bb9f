"""What the scripts that train the zoo share: the form of the files that the Go tests read.

For every model NAME there is NAME.onnx and NAME.json: the inputs by name, and by output name what the training library
itself predicts (never the ONNX file). ONNX Runtime scores every file too; a script fails if the two oracles differ by more
than 1e-5, so that a fault of the export is not taken for the library's word.
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime

ROWS = 37  # not a multiple of 8, so that the tails of blocks are exercised


def plain(values):
    """JSON form: NaN becomes null."""
    out = []
    for v in np.asarray(values).ravel().tolist():
        out.append(None if isinstance(v, float) and np.isnan(v) else v)
    return out


def rows_first(values, axis):
    """The elements of each row together, as the scorer gives them, if the rows stand along the axis."""
    return np.moveaxis(np.asarray(values), axis, 0)


def check(name, model, inputs, expected):
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for node in copy.graph.node:
        if node.op_type == "StringNormalizer":  # the runtime's default locale is not everywhere
            node.attribute.append(onnx.helper.make_attribute("locale", "C"))
    session = onnxruntime.InferenceSession(copy.SerializeToString(), providers=["CPUExecutionProvider"])
    for output, got in zip(session.get_outputs(), session.run(None, inputs)):
        want = np.asarray(expected[output.name]).ravel()
        if isinstance(got, list):
            got = [list(row.values()) for row in got]
        got = np.asarray(got).ravel()
        if got.dtype.kind in "fd":
            diff = np.max(np.abs(got - want) / np.maximum(1, np.abs(want)))
            if not diff <= 1e-5:
                raise SystemExit(f"{name}: {output.name}: the runtime differs by {diff}")
        elif (got != want).any():
            raise SystemExit(f"{name}: {output.name}: labels differ")


def write(folder, name, model, inputs, outputs, batch_axes=None):
    """Writes an ONNX model with what the library predicts. outputs maps names to arrays; batch_axes says where their rows
    stand, if not first."""
    model.graph.name = name  # exporters' are random
    del model.metadata_props[:]
    blob = model.SerializeToString()
    declared = [o.name for o in model.graph.output]
    if sorted(declared) != sorted(outputs):
        raise SystemExit(f"{name}: outputs {declared}, predictions for {list(outputs)}")
    check(name, model, inputs, outputs)
    folder = pathlib.Path(folder)
    (folder / f"{name}.onnx").write_bytes(blob)
    document = {
        "rows": ROWS,
        "inputs": {k: plain(v) for k, v in inputs.items()},
        "outputs": {k: plain(rows_first(v, (batch_axes or {}).get(k, 0))) for k, v in outputs.items()},
    }
    (folder / f"{name}.json").write_text(json.dumps(document) + "\n")
    print(f"{name}: {len(blob)} bytes: {' '.join(sorted({n.op_type for n in model.graph.node}))}")


def load(path):
    return onnx.load(str(path))
