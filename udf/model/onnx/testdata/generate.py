"""Trains the small models of this folder on scikit-learn's bundled data and writes, beside each, what the library
itself predicts. The Go tests score the same rows and compare.

Run it in the environment of shell/demo/data/requirements.txt:  python generate.py
For every model NAME it writes NAME.onnx and NAME.json: the inputs by name, and by output name the values that the
library's own predict and predict_proba give (never the ONNX file's). ONNX Runtime scores every file too; the script
fails if the two oracles differ by more than 1e-5, so that a fault of the export is not taken for the library's word.
"""

import json
import pathlib
import warnings

import numpy as np
import onnxruntime
import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

HERE = pathlib.Path(__file__).parent
ROWS = 37  # not a multiple of 8, so that the tails of blocks are exercised
TARGET = {"": 15, "ai.onnx.ml": 3}
warnings.filterwarnings("ignore")


def with_gaps(X, share=0.15):
    """Returns a copy with that share of cells missing."""
    X = X.copy()
    X[np.random.RandomState(5).rand(*X.shape) < share] = np.nan
    return X


def plain(values):
    """JSON form: NaN becomes null."""
    out = []
    for v in np.asarray(values).ravel().tolist():
        out.append(None if isinstance(v, float) and np.isnan(v) else v)
    return out


def runtime_check(name, blob, inputs, expected):
    session = onnxruntime.InferenceSession(blob, providers=["CPUExecutionProvider"])
    for output, got in zip(session.get_outputs(), session.run(None, inputs)):
        want = expected[output.name]
        if isinstance(got, list):
            got = [list(row.values()) for row in got]
        got = np.asarray(got).ravel()
        want = np.asarray(want).ravel()
        if got.dtype.kind in "fd":
            diff = np.max(np.abs(got - want) / np.maximum(1, np.abs(want)))
            if not diff <= 1e-5:
                raise SystemExit(f"{name}: {output.name}: runtime differs by {diff}")
        elif (got != want).any():
            raise SystemExit(f"{name}: {output.name}: labels differ")


def write(name, model, sample, inputs, outputs, **options):
    onx = to_onnx(model, target_opset=TARGET, **options) if sample is None else to_onnx(
        model, sample, target_opset=TARGET, **options)
    onx.graph.name = name  # the exporter's is random
    blob = onx.SerializeToString()
    names = [o.name for o in onx.graph.output]
    expected = dict(zip(names, outputs))
    runtime_check(name, blob, inputs, expected)
    (HERE / f"{name}.onnx").write_bytes(blob)
    document = {
        "rows": ROWS,
        "inputs": {k: plain(v) for k, v in inputs.items()},
        "outputs": {k: plain(v) for k, v in expected.items()},
    }
    (HERE / f"{name}.json").write_text(json.dumps(document) + "\n")
    print(f"{name}: {len(blob)} bytes: {' '.join(sorted({n.op_type for n in onx.graph.node}))}")


def tabular(name, model, X, y, **options):
    """Trains on all rows and records the first ROWS of a shuffle."""
    X = X.astype(np.float32).astype(np.float64)
    model.fit(X, y)
    pick = np.random.RandomState(11).permutation(len(X))[:ROWS]
    sample = X[pick]
    outputs = [model.predict(sample)]
    if hasattr(model, "predict_proba"):
        outputs.append(model.predict_proba(sample))
    x32 = sample.astype(np.float32)
    write(name, model, x32[:1], {"X": x32}, outputs, **options)


def mixed():
    """Numbers, integers and categories as separate inputs, one per column."""
    X, y = load_iris(return_X_y=True)
    frame = pd.DataFrame({
        "length": X[:, 0].astype(np.float32),
        "width": X[:, 1].astype(np.float32),
        "colour": np.array(["red", "green", "blue"])[np.arange(len(X)) * 7 % 3],
    })
    model = make_pipeline(
        ColumnTransformer([
            ("numbers", StandardScaler(), ["length", "width"]),
            ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["colour"]),
        ]),
        LogisticRegression(max_iter=1000),
    ).fit(frame, np.array(["setosa", "versicolor", "virginica"])[y])
    sample = frame.iloc[np.random.RandomState(11).permutation(len(frame))[:ROWS]]
    inputs = {c: sample[[c]].to_numpy() for c in frame.columns}
    inputs["colour"] = inputs["colour"].astype(object)
    types = [("length", FloatTensorType([None, 1])), ("width", FloatTensorType([None, 1])),
             ("colour", StringTensorType([None, 1]))]
    write("mixed_columns", model, None, inputs, [model.predict(sample), model.predict_proba(sample)],
          initial_types=types)


def integers():
    X, y = load_iris(return_X_y=True)
    X = np.round(X * 10).astype(np.int64)
    model = LogisticRegression(max_iter=5000).fit(X, y)
    pick = np.random.RandomState(11).permutation(len(X))[:ROWS]
    write("integer_inputs", model, None, {"X": X[pick]}, [model.predict(X[pick]), model.predict_proba(X[pick])],
          initial_types=[("X", Int64TensorType([None, 4]))])


def refused(name, model, X, y):
    """A model that Millrace must refuse by the names of what it does not cover."""
    onx = to_onnx(model.fit(X, y), X[:1].astype(np.float32), target_opset=TARGET)
    onx.graph.name = name
    (HERE / "refused").mkdir(exist_ok=True)
    (HERE / "refused" / f"{name}.onnx").write_bytes(onx.SerializeToString())


def main():
    cancer = load_breast_cancer(return_X_y=True)
    iris = load_iris(return_X_y=True)
    named = (iris[0], np.array(["setosa", "versicolor", "virginica"])[iris[1]])
    wine = load_wine(return_X_y=True)
    diabetes = load_diabetes(return_X_y=True)
    seed = {"random_state": 0}
    flat = {"options": {"zipmap": False}}

    tabular("logistic_binary", make_pipeline(StandardScaler(), LogisticRegression()), *cancer)
    tabular("logistic_multiclass", LogisticRegression(max_iter=5000), *iris)
    tabular("logistic_ovr", OneVsRestClassifier(LogisticRegression()), *iris)
    tabular("linear_regression", LinearRegression(), *diabetes)
    tabular("ridge_two_targets", Ridge(), diabetes[0], np.stack([diabetes[1], -diabetes[1] / 2], axis=1))
    tabular("sgd_log_loss", make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", **seed)), *iris)
    tabular("naive_bayes", make_pipeline(StandardScaler(), GaussianNB()), *iris)
    tabular("decision_tree_strings", DecisionTreeClassifier(max_depth=4, **seed), *named)
    tabular("decision_tree_regressor", DecisionTreeRegressor(max_depth=5, **seed), *diabetes)
    tabular("random_forest", RandomForestClassifier(20, max_depth=5, **seed), *wine)
    tabular("random_forest_binary", RandomForestClassifier(20, max_depth=5, **seed), *cancer, **flat)
    tabular("random_forest_regressor", RandomForestRegressor(20, max_depth=5, **seed), *diabetes)
    tabular("extra_trees_deep", ExtraTreesClassifier(5, **seed), *wine)
    tabular("gradient_boosting", GradientBoostingClassifier(n_estimators=30, **seed), *cancer)
    tabular("gradient_boosting_multiclass", GradientBoostingClassifier(n_estimators=20, **seed), *iris)
    tabular("gradient_boosting_regressor", GradientBoostingRegressor(n_estimators=30, **seed), *diabetes)
    gaps = (with_gaps(cancer[0]), cancer[1])
    tabular("hist_boosting_missing", HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=8, **seed), *gaps)
    tabular("hist_boosting_regressor_missing",
            HistGradientBoostingRegressor(max_iter=20, max_leaf_nodes=8, **seed), with_gaps(diabetes[0]), diabetes[1])
    tabular("mlp_binary", make_pipeline(StandardScaler(), MLPClassifier((16, 8), max_iter=1000, **seed)), *cancer)
    tabular("mlp_multiclass_tanh",
            make_pipeline(StandardScaler(), MLPClassifier((12,), activation="tanh", max_iter=1000, **seed)), *named)
    tabular("mlp_regressor",
            make_pipeline(StandardScaler(),
                          MLPRegressor(hidden_layer_sizes=(16,), activation="logistic", max_iter=500, **seed)),
            diabetes[0], diabetes[1] / 100)
    tabular("imputer_pipeline",
            make_pipeline(SimpleImputer(), MinMaxScaler(), Normalizer(), LogisticRegression()), *gaps)
    tabular("scalers_binarizer",
            make_pipeline(RobustScaler(), MaxAbsScaler(), Binarizer(), LogisticRegression()), *cancer)
    tabular("pca_logistic", make_pipeline(StandardScaler(), PCA(5, **seed), LogisticRegression()), *wine)
    tabular("select_logistic", make_pipeline(SelectKBest(k=5), LogisticRegression(max_iter=9000)), *wine)
    tabular("svr_rbf", make_pipeline(StandardScaler(), PCA(3, **seed), SVR(C=1)), diabetes[0][:150],
            diabetes[1][:150] / 100)
    tabular("svc_probability", make_pipeline(StandardScaler(), SVC(probability=True, **seed)), *iris)
    mixed()
    integers()
    refused("bagging", BaggingClassifier(n_estimators=3, **seed), *iris)
    refused("neighbours", KNeighborsClassifier(n_neighbors=3), iris[0][::10], iris[1][::10])


if __name__ == "__main__":
    main()
