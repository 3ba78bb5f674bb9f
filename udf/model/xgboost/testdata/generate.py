"""Trains the small models of this folder on scikit-learn's bundled data and writes, beside each, what XGBoost itself
predicts. The Go tests score the same rows and compare.

Run it in the environment of requirements.txt:  python generate.py
For every model it writes NAME.json or NAME.ubj and NAME.rows.json: the input, null where a value is missing, and the
library's predictions by the names of Millrace's outputs.
"""

import json
import pathlib

import numpy as np
import xgboost as xgb
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

HERE = pathlib.Path(__file__).parent
ROWS = 37  # not a multiple of 8, so that the tails of blocks are exercised
COLUMNS = 10  # of the data: the files stay small


def plain(values):
    """JSON form: NaN becomes null."""
    return [None if isinstance(v, float) and np.isnan(v) else v for v in np.asarray(values).ravel().tolist()]


def gaps(X, share=0.15):
    X = X.copy()
    X[np.random.RandomState(5).rand(*X.shape) < share] = np.nan
    return X


def write(name, booster, X, outputs, format="json"):
    file = HERE / f"{name}.{format}"
    booster.save_model(file)
    rows = {"rows": len(X), "input": plain(X), "outputs": {k: plain(v) for k, v in outputs.items()}}
    if not name.startswith("refused_"):
        (HERE / f"{name}.rows.json").write_text(json.dumps(rows) + "\n")
    print(f"{name}: {file.stat().st_size} bytes")


def classes(p):
    """A probability as Millrace's classifiers give it: label and one probability a class."""
    if p.ndim == 1:
        p = np.stack([1 - p.astype(np.float64), p], axis=1)
        return {"label": (p[:, 1] > 0.5).astype(int), "probabilities": p}
    return {"label": p.argmax(axis=1), "probabilities": p}


def train(name, X, y, params, rounds=8, form=lambda p: {"prediction": p}, types=None, names=None, format="json",
          holdout=None, **options):
    X = X.astype(np.float32)
    make = {"enable_categorical": True} if types else {}
    data = xgb.DMatrix(X, y, feature_types=types, feature_names=names, **make)
    params = {"max_depth": 4, "seed": 0, "nthread": 1, **params}
    if holdout is not None:
        options.update(evals=[(xgb.DMatrix(X[::3], holdout[::3], feature_names=names), "test")], verbose_eval=False)
    booster = xgb.train(params, data, rounds, **options)
    pick = np.random.RandomState(11).permutation(len(X))[:ROWS]
    sample = X[pick]
    if types:  # categories that training never saw, and values that are none
        c = types.index("c")
        sample[:6, c] = [40, 41, -1, 5000, np.nan, 3]
    end = booster.best_iteration + 1 if "early_stopping_rounds" in options else 0
    p = booster.predict(xgb.DMatrix(sample, feature_types=types, feature_names=names, **make), iteration_range=(0, end))
    write(name, booster, sample, form(p), format)


def main():
    cancer, cancer_y = load_breast_cancer(return_X_y=True)
    cancer = cancer[:, :COLUMNS]
    iris, iris_y = load_iris(return_X_y=True)
    diabetes, diabetes_y = load_diabetes(return_X_y=True)
    counts = np.round(diabetes_y / 20)
    names = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]

    train("binary", gaps(cancer), cancer_y, {"objective": "binary:logistic"}, form=classes)
    train("binary_ubj", gaps(cancer), cancer_y, {"objective": "binary:logistic", "base_score": 0.3}, form=classes, format="ubj")
    train("binary_raw", cancer, cancer_y, {"objective": "binary:logitraw"})
    train("binary_hinge", cancer, cancer_y, {"objective": "binary:hinge"}, form=lambda p: {"label": p.astype(int)})
    train("logistic_regression", cancer, cancer_y, {"objective": "reg:logistic"})
    train("softprob", iris, iris_y, {"objective": "multi:softprob", "num_class": 3}, rounds=5, form=classes)
    train("softprob_ubj", gaps(iris), iris_y, {"objective": "multi:softprob", "num_class": 3}, rounds=5, form=classes,
          format="ubj")
    train("softmax", iris, iris_y, {"objective": "multi:softmax", "num_class": 3}, rounds=5,
          form=lambda p: {"label": p.astype(int)})
    train("squared_error", diabetes, diabetes_y, {"objective": "reg:squarederror"}, names=names)
    train("squared_error_ubj", gaps(diabetes), diabetes_y, {"objective": "reg:squarederror"}, names=names, format="ubj")
    train("absolute_error", diabetes, diabetes_y, {"objective": "reg:absoluteerror"})
    train("squared_log_error", diabetes, diabetes_y / 100, {"objective": "reg:squaredlogerror"})
    train("pseudo_huber", diabetes, diabetes_y / 100, {"objective": "reg:pseudohubererror"})
    train("quantiles", diabetes, diabetes_y,
          {"objective": "reg:quantileerror", "quantile_alpha": np.array([0.1, 0.5, 0.9])}, rounds=4)
    train("poisson", diabetes, counts, {"objective": "count:poisson"})
    train("gamma", diabetes, diabetes_y, {"objective": "reg:gamma"})
    train("tweedie", diabetes, diabetes_y, {"objective": "reg:tweedie"})
    train("two_targets", diabetes, np.stack([diabetes_y, -diabetes_y / 2], axis=1), {"objective": "reg:squarederror"}, rounds=4)
    train("forest", cancer, cancer_y, {"objective": "binary:logistic", "num_parallel_tree": 5, "subsample": 0.7,
                                       "colsample_bynode": 0.7, "learning_rate": 1}, rounds=1, form=classes)
    train("dart", cancer, cancer_y, {"booster": "dart", "objective": "binary:logistic", "rate_drop": 0.4}, form=classes)
    train("early_stopping", cancer[100:200], cancer_y[100:200], {"objective": "binary:logistic", "learning_rate": 0.9},
          rounds=30, form=classes, early_stopping_rounds=3, holdout=np.roll(cancer_y[100:200], 3))
    labels = np.random.RandomState(3)
    X = diabetes[:, :4].copy()
    X[:, 1] = labels.randint(0, 60, len(X))
    y = diabetes_y + 80 * np.isin(X[:, 1] % 7, [1, 4, 5])
    train("categorical", X, y, {"objective": "reg:squarederror", "max_cat_to_onehot": 1}, types=["q", "c", "q", "q"], rounds=5)
    train("categorical_one_hot_ubj", X, y, {"objective": "reg:squarederror", "max_cat_to_onehot": 100, "max_depth": 6},
          types=["q", "c", "q", "q"], rounds=5, format="ubj")
    train("refused_linear", diabetes, diabetes_y, {"booster": "gblinear", "objective": "reg:squarederror"}, rounds=2)
    train("refused_vector_leaf", diabetes, np.stack([diabetes_y, -diabetes_y / 2], axis=1),
          {"objective": "reg:squarederror", "multi_strategy": "multi_output_tree", "tree_method": "hist"}, rounds=2)
    train("cox", diabetes, diabetes_y, {"objective": "survival:cox"}, rounds=1)


main()
