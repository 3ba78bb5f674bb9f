"""Trains small CatBoost, XGBoost and LightGBM models on scikit-learn's bundled data and exports them to ONNX: CatBoost by
itself, the others by onnxmltools.

Run it in the environment of requirements.txt:  python generate.py
"""

import pathlib
import sys
import warnings

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "common"))

import catboost
import lightgbm
import numpy as np
import onnxmltools
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

import zoo

warnings.filterwarnings("ignore")
SEED = {"random_state": 0}


def predictions(model, onx, rows):
    """What the library predicts, by the names of the file's outputs: labels and probabilities, or numbers."""
    names = [o.name for o in onx.graph.output]
    values = [np.asarray(model.predict(rows)).ravel()]
    if len(names) > 1:
        values.append(model.predict_proba(rows))
    return dict(zip(names, values))


def export(name, model, convert, X, y):
    X = X.astype(np.float32)
    model.fit(X, y)
    rows = X[np.random.RandomState(11).permutation(len(X))[: zoo.ROWS]]
    onx = convert(model, X.shape[1])
    zoo.write(HERE, name, onx, {onx.graph.input[0].name: rows}, predictions(model, onx, rows))


def cat(model, _):
    path = HERE / "model.tmp"
    model.save_model(str(path), format="onnx")
    onx = zoo.load(path)
    path.unlink()
    return onx


def tools(convert):
    return lambda model, features: convert(model, initial_types=[("X", FloatTensorType([None, features]))], target_opset=15)


def with_gaps(X):
    X = X.copy()
    X[np.random.RandomState(5).rand(*X.shape) < 0.15] = np.nan
    return X


def main():
    iris, cancer, diabetes = (f(return_X_y=True) for f in (load_iris, load_breast_cancer, load_diabetes))
    named = (iris[0], np.array(["setosa", "versicolor", "virginica"])[iris[1]])
    gaps = (with_gaps(cancer[0]), cancer[1])
    quiet = {"iterations": 30, "depth": 4, "verbose": False, "allow_writing_files": False, "thread_count": 1, **SEED}
    export("catboost_binary", catboost.CatBoostClassifier(**quiet), cat, *cancer)
    export("catboost_missing", catboost.CatBoostClassifier(**quiet), cat, *gaps)
    export("catboost_multiclass", catboost.CatBoostClassifier(**quiet), cat, *iris)
    export("catboost_regressor", catboost.CatBoostRegressor(**quiet), cat, *diabetes)
    small = {"n_estimators": 20, "max_depth": 4, "n_jobs": 1, **SEED}
    xgb = tools(onnxmltools.convert_xgboost)
    export("xgboost_binary", xgboost.XGBClassifier(**small), xgb, *gaps)
    export("xgboost_multiclass", xgboost.XGBClassifier(**small), xgb, *iris)
    export("xgboost_regressor", xgboost.XGBRegressor(**small), xgb, *diabetes)
    lgb = tools(onnxmltools.convert_lightgbm)
    small["verbose"] = -1
    export("lightgbm_binary", lightgbm.LGBMClassifier(**small), lgb, *gaps)
    export("lightgbm_multiclass", lightgbm.LGBMClassifier(**small), lgb, *named)
    export("lightgbm_regressor", lightgbm.LGBMRegressor(**small), lgb, *diabetes)


if __name__ == "__main__":
    main()
