"""Writes models of common sizes, with random weights, for .ci/bench-models: ensembles of full trees and a small network."""

import pathlib
import sys

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

rng = np.random.default_rng(1)


def write(path, nodes, initializers, features):
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, features])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [None, 1])],
        initializers,
    )
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=sets, ir_version=8)
    checker.check_model(model)
    save(model, path)


def trees(path, count, depth, features=16):
    a = {k: [] for k in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")}
    leaves = {"treeids": [], "nodeids": [], "ids": [], "weights": []}
    inner = 2**depth - 1
    for tree in range(count):
        for node in range(2 * inner + 1):
            leaf = node >= inner
            a["treeids"].append(tree)
            a["nodeids"].append(node)
            a["featureids"].append(0 if leaf else int(rng.integers(features)))
            a["values"].append(0.0 if leaf else float(rng.normal()))
            a["modes"].append("LEAF" if leaf else "BRANCH_LT")
            a["truenodeids"].append(0 if leaf else 2 * node + 1)
            a["falsenodeids"].append(0 if leaf else 2 * node + 2)
            if leaf:
                leaves["treeids"].append(tree)
                leaves["nodeids"].append(node)
                leaves["ids"].append(0)
                leaves["weights"].append(float(rng.normal()))
    attributes = {"nodes_" + k: v for k, v in a.items()} | {"target_" + k: v for k, v in leaves.items()}
    write(path, [helper.make_node("TreeEnsembleRegressor", ["X"], ["Y"], domain="ai.onnx.ml", n_targets=1, **attributes)], [], features)


def network(path, *widths):
    nodes, weights, name = [], [], "X"
    for i, (before, after) in enumerate(zip(widths, widths[1:])):
        last = i == len(widths) - 2
        w = (rng.normal(size=(before, after)) / np.sqrt(before)).astype(np.float32)
        weights += [numpy_helper.from_array(w, f"W{i}"), numpy_helper.from_array(np.zeros(after, np.float32), f"B{i}")]
        nodes.append(helper.make_node("Gemm", [name, f"W{i}", f"B{i}"], [f"g{i}"]))
        name = "Y" if last else f"h{i}"
        nodes.append(helper.make_node("Sigmoid" if last else "Relu", [f"g{i}"], [name]))
    write(path, nodes, weights, widths[0])


folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
trees(folder / "trees_100x6.onnx", 100, 6)
trees(folder / "trees_500x8.onnx", 500, 8)
network(folder / "mlp_16_64_32_1.onnx", 16, 64, 32, 1)
