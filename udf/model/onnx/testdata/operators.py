"""Writes a small model for each operator that generate.py's models do not reach, with what ONNX Runtime computes.

Run it in the environment of shell/demo/data/requirements.txt:  python operators.py
It writes operators/NAME.onnx and operators/NAME.json in generate.py's form, over inputs X: float[?,4] and I: int64[?,1].
"""

import json
import pathlib

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent / "operators"
ROWS = 13
RANDOM = np.random.RandomState(3)
X = RANDOM.randn(ROWS, 4).astype(np.float32)
X[0] = [0, -0.0, 1, -1]
I = RANDOM.randint(0, 3, (ROWS, 1)).astype(np.int64)
F, L, B = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
W = RANDOM.randn(4, 3).astype(np.float32)
ROW = RANDOM.randn(4).astype(np.float32)


def node(op, inputs, outputs, **attributes):
    ml = op in ("LabelEncoder", "OneHotEncoder", "FeatureVectorizer", "Imputer", "Binarizer", "Normalizer",
                "LinearRegressor", "LinearClassifier", "TreeEnsembleRegressor", "TreeEnsembleClassifier")
    return helper.make_node(op, inputs, outputs, domain="ai.onnx.ml" if ml else "", **attributes)


def case(name, nodes, outputs, opset=15, **constants):
    """outputs maps a name to its type and shape; constants are initializers."""
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info("X", F, [None, 4]), helper.make_tensor_value_info("I", L, [None, 1])],
        [helper.make_tensor_value_info(k, t, None) for k, t in outputs.items()],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    model = helper.make_model(graph, ir_version=8, opset_imports=[
        helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 2)])
    blob = model.SerializeToString()
    inputs = {"X": X, "I": I}
    got = onnxruntime.InferenceSession(blob, providers=["CPUExecutionProvider"]).run(None, inputs)
    HERE.mkdir(exist_ok=True)
    (HERE / f"{name}.onnx").write_bytes(blob)
    document = {
        "rows": ROWS,
        "inputs": {k: v.ravel().tolist() for k, v in inputs.items()},
        "outputs": {k: np.asarray(v).ravel().tolist() for k, v in zip(outputs, got)},
    }
    (HERE / f"{name}.json").write_text(json.dumps(document) + "\n")


def one(name, op, inputs=("X",), kind=F, opset=15, constants=None, **attributes):
    case(name, [node(op, list(inputs), ["Y"], **attributes)], {"Y": kind}, opset, **(constants or {}))


def trees():
    """One tree with every mode, with missing value tracks, for each aggregate and several forms of classifier."""
    modes = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
    ids, feature, value, mode, yes, no, leaves = [], [], [], [], [], [], []
    for i, m in enumerate(modes):
        ids.append(2 * i)
        feature.append(i % 4)
        value.append([0.0, 0.0, 1.0, -1.0, -1.0, 0.3][i])
        mode.append(m)
        yes.append(2 * i + 1)
        no.append(2 * i + 2)
        leaves.append(2 * i + 1)
        ids.append(2 * i + 1)
        feature.append(0)
        value.append(0.0)
        mode.append("LEAF")
        yes.append(0)
        no.append(0)
    ids.append(12)
    leaves.append(12)
    feature, value, mode = feature + [0], value + [0.0], mode + ["LEAF"]
    yes, no = yes + [0], no + [0]
    n = len(ids)
    common = dict(
        nodes_treeids=[0] * n + [1] * n, nodes_nodeids=ids * 2, nodes_featureids=feature * 2,
        nodes_values=value + [v + 0.1 for v in value], nodes_modes=mode * 2, nodes_truenodeids=yes * 2,
        nodes_falsenodeids=no * 2, nodes_missing_value_tracks_true=[1, 0] * n)
    k = len(leaves)
    tree = [0] * k + [1] * k
    weights = RANDOM.randn(2 * k).astype(np.float32).tolist()
    for aggregate in ("SUM", "AVERAGE", "MIN", "MAX"):
        one(f"tree_{aggregate.lower()}", "TreeEnsembleRegressor", target_treeids=tree, target_nodeids=leaves * 2,
            target_ids=[0] * (2 * k), target_weights=weights, n_targets=1, base_values=[0.25],
            aggregate_function=aggregate, **common)
        one(f"tree_{aggregate.lower()}_two", "TreeEnsembleRegressor", target_treeids=tree * 2,
            target_nodeids=leaves * 4, target_ids=[0] * (2 * k) + [1] * (2 * k), target_weights=weights + weights[::-1],
            n_targets=2, base_values=[0.25, -1.0], aggregate_function=aggregate, **common)
    for post in ("NONE", "LOGISTIC", "SOFTMAX"):
        for sign in ("mixed", "positive"):
            w = weights if sign == "mixed" else [abs(v) / 4 for v in weights]
            case(f"tree_classifier_{sign}_{post.lower()}", [node(
                "TreeEnsembleClassifier", ["X"], ["L", "Y"], class_treeids=tree, class_nodeids=leaves * 2,
                class_ids=[0] * (2 * k), class_weights=w, classlabels_int64s=[7, 9], post_transform=post,
                **common)], {"L": L, "Y": F})
            if post == "NONE":  # others are refused
                case(f"tree_classifier_second_{sign}", [node(
                    "TreeEnsembleClassifier", ["X"], ["L", "Y"], class_treeids=tree, class_nodeids=leaves * 2,
                    class_ids=[1] * (2 * k), class_weights=w, classlabels_int64s=[7, 9], **common)], {"L": L, "Y": F})
            # The runtime labels these 0 and 1, whatever classlabels_int64s says: only the scores are compared.
            case(f"tree_classifier_both_{sign}_{post.lower()}", [node(
                "TreeEnsembleClassifier", ["X"], ["L", "Y"], class_treeids=tree * 2, class_nodeids=leaves * 4,
                class_ids=[0] * (2 * k) + [1] * (2 * k), class_weights=w + w[::-1], classlabels_int64s=[7, 9],
                post_transform=post, **common)], {"Y": F})
        case(f"tree_classifier_three_{post.lower()}", [node(
            "TreeEnsembleClassifier", ["X"], ["L", "Y"], class_treeids=tree, class_nodeids=leaves * 2,
            class_ids=[i % 3 for i in range(2 * k)], class_weights=weights, classlabels_int64s=[5, 7, 9],
            post_transform=post, base_values=[0.1, 0.0, -0.1], **common)], {"L": L, "Y": F})


def main():
    for op in ("Relu", "Tanh", "Sigmoid", "Exp", "Abs", "Neg", "Floor", "Ceil", "Softplus", "Erf", "Sign", "LeakyRelu",
               "Elu", "HardSigmoid", "Softmax", "LogSoftmax", "Reciprocal", "Round"):
        if op == "Reciprocal":
            case("reciprocal", [node("Exp", ["X"], ["e"]), node(op, ["e"], ["Y"])], {"Y": F})
        else:
            one(op.lower(), op)
    case("sqrt_log", [node("Abs", ["X"], ["a"]), node("Add", ["a", "c"], ["b"]), node("Sqrt", ["b"], ["s"]),
                      node("Log", ["s"], ["Y"])], {"Y": F}, c=np.float32(0.5))
    for op in ("Add", "Sub", "Mul", "Min", "Max"):
        one(op.lower(), op, ("X", "c"), constants={"c": ROW})
        one(op.lower() + "_scalar", op, ("c", "X"), constants={"c": np.float32(0.7)})
    one("div", "Div", ("X", "c"), constants={"c": ROW})
    case("pow", [node("Abs", ["X"], ["a"]), node("Add", ["a", "t"], ["b"]), node("Pow", ["b", "c"], ["Y"])],
         {"Y": F}, c=ROW, t=np.float32(0.1))
    case("broadcast_column", [node("ReduceMax", ["X"], ["m"], axes=[1]), node("Sub", ["X", "m"], ["Y"])], {"Y": F})
    case("broadcast_rank3", [node("Unsqueeze", ["X", "a"], ["u"]), node("Mul", ["u", "c"], ["Y"])], {"Y": F},
         a=np.array([2]), c=RANDOM.randn(1, 4, 3).astype(np.float32))
    case("sum_of_three", [node("Sum", ["X", "c", "X"], ["Y"])], {"Y": F}, c=ROW)
    one("clip", "Clip", ("X", "lo", "hi"), constants={"lo": np.float32(-0.5), "hi": np.float32(0.8)})
    one("clip_low", "Clip", ("X", "lo"), constants={"lo": np.float32(-0.5)})
    one("clip_old", "Clip", opset=9, min=-0.2, max=0.4)
    for op in ("Less", "Greater", "LessOrEqual", "GreaterOrEqual"):
        case(op.lower(), [node(op, ["X", "c"], ["b"]), node("Cast", ["b"], ["Y"], to=F)], {"Y": F}, c=ROW)
    case("equal_where", [node("Equal", ["I", "c"], ["b"]), node("Where", ["b", "X", "z"], ["Y"])], {"Y": F},
         c=np.array([1]), z=np.float32(-9))
    case("logic", [node("Less", ["X", "z"], ["a"]), node("Greater", ["X", "o"], ["b"]), node("Or", ["a", "b"], ["c"]),
                   node("Not", ["a"], ["d"]), node("And", ["c", "d"], ["e"]), node("Xor", ["e", "b"], ["f"]),
                   node("Cast", ["f"], ["Y"], to=L)], {"Y": L}, z=np.float32(0), o=np.float32(0.5))
    one("matmul", "MatMul", ("X", "w"), constants={"w": W})
    one("gemm", "Gemm", ("X", "w", "c"), constants={"w": W, "c": RANDOM.randn(3).astype(np.float32)})
    one("gemm_transposed", "Gemm", ("X", "w", "c"), transB=1,
        constants={"w": RANDOM.randn(70, 4).astype(np.float32), "c": RANDOM.randn(1, 70).astype(np.float32)})
    one("gemm_scalar_bias", "Gemm", ("X", "w", "c"), constants={"w": W, "c": np.float32([2])})
    one("batch_normalization", "BatchNormalization", ("X", "s", "b", "m", "v"), constants={
        "s": ROW, "b": ROW[::-1].copy(), "m": ROW / 2, "v": ROW * ROW + 1})
    for op in ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSumSquare", "ReduceL1", "ReduceL2",
               "ReduceLogSumExp"):
        one(op.lower(), op, axes=[1])
    one("reduce_flat", "ReduceMean", axes=[-1], keepdims=0)
    one("reducesum", "ReduceSum", ("X", "a"), constants={"a": np.array([1])})
    case("reduce_inner", [node("Reshape", ["X", "s"], ["r"]), node("ReduceSum", ["r", "a"], ["Y"])], {"Y": F},
         s=np.array([-1, 2, 2]), a=np.array([1]))
    one("argmax", "ArgMax", kind=L, axis=1)
    one("argmin_last", "ArgMin", kind=L, axis=-1, keepdims=0, select_last_index=1)
    case("softmax_old", [node("Reshape", ["X", "s"], ["r"]), node("Softmax", ["r"], ["Y"], axis=1)], {"Y": F}, opset=11,
         s=np.array([-1, 2, 2]))
    case("softmax_middle", [node("Reshape", ["X", "s"], ["r"]), node("Softmax", ["r"], ["Y"], axis=1)], {"Y": F},
         s=np.array([0, 2, 2]))
    one("lp_normalization", "LpNormalization", p=1, axis=1)
    one("flatten", "Flatten")
    case("transpose", [node("Reshape", ["X", "s"], ["r"]), node("Transpose", ["r"], ["Y"], perm=[0, 2, 1])], {"Y": F},
         s=np.array([-1, 2, 2]))
    case("squeeze", [node("Unsqueeze", ["X", "a"], ["u"]), node("Squeeze", ["u", "a"], ["Y"])], {"Y": F},
         a=np.array([1]))
    one("gather", "Gather", ("X", "i"), axis=1, constants={"i": np.array([3, 0, -2])})
    one("gather_scalar", "Gather", ("X", "i"), axis=1, constants={"i": np.int64(2)})
    case("embedding", [node("Gather", ["e", "I"], ["Y"])], {"Y": F}, e=RANDOM.randn(3, 5).astype(np.float32))
    one("slice", "Slice", ("X", "s", "e", "a", "t"), constants={
        "s": np.array([3]), "e": np.array([-9]), "a": np.array([1]), "t": np.array([-2])})
    one("slice_old", "Slice", opset=9, starts=[0, 1], ends=[2147483647, 3], axes=[0, 1])
    case("split_concat", [node("Split", ["X", "p"], ["a", "b"], axis=1), node("Concat", ["b", "a", "b"], ["Y"], axis=-1)],
         {"Y": F}, p=np.array([1, 3]))
    case("constant", [node("Constant", [], ["c"], value=numpy_helper.from_array(ROW)), node("Add", ["X", "c"], ["Y"])],
         {"Y": F})
    case("folded", [node("Mul", ["c", "c"], ["d"]), node("Transpose", ["d"], ["e"]), node("MatMul", ["X", "e"], ["Y"])],
         {"Y": F}, c=RANDOM.randn(3, 4).astype(np.float32))
    case("casts", [node("Cast", ["X"], ["d"], to=TensorProto.DOUBLE), node("Cast", ["d"], ["i"], to=L),
                   node("Cast", ["i"], ["j"], to=TensorProto.INT32), node("Cast", ["j"], ["b"], to=B),
                   node("Cast", ["b"], ["Y"], to=F)], {"Y": F})
    case("double", [node("Cast", ["X"], ["d"], to=TensorProto.DOUBLE), node("MatMul", ["d", "w"], ["m"]),
                    node("Cast", ["m"], ["Y"], to=F)], {"Y": F}, w=W.astype(np.float64))
    case("dropout", [node("Dropout", ["X"], ["Y"])], {"Y": F})
    one("onehot", "OneHotEncoder", ("I",), cats_int64s=[0, 2, 5])
    one("labels", "LabelEncoder", ("I",), keys_int64s=[0, 1], values_floats=[0.5, 1.5], default_float=-1.0)
    one("labels_int", "LabelEncoder", ("I",), kind=L, keys_int64s=[0, 1], values_int64s=[10, 11], default_int64=-7)
    one("vectorizer", "FeatureVectorizer", ("X", "X"), inputdimensions=[4, 4])
    for norm in ("MAX", "L1", "L2"):
        case("normalizer_" + norm.lower(), [node("Abs", ["X"], ["a"]), node("Normalizer", ["a"], ["Y"], norm=norm)],
             {"Y": F})
    one("linear_softmax", "LinearRegressor", coefficients=W.ravel().tolist(), intercepts=[1.0, 2.0, 3.0], targets=3,
        post_transform="SOFTMAX")
    one("linear_softmax_zero", "LinearRegressor", coefficients=W.ravel().tolist(), intercepts=[1.0, 2.0, 3.0], targets=3,
        post_transform="SOFTMAX_ZERO")
    for post in ("NONE", "LOGISTIC"):
        case(f"linear_binary_{post.lower()}", [node(
            "LinearClassifier", ["X"], ["L", "Y"], coefficients=ROW.tolist(), intercepts=[0.1], classlabels_ints=[3, 4],
            post_transform=post)], {"L": L, "Y": F})
    trees()


if __name__ == "__main__":
    main()
