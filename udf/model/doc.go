// Package model holds trained models as SQL sees them.
//
// An Artifact is the bytes of a model file, known by their sha256. Load gives it to the first Backend that covers it
// and returns a Version: the artifact, its typed Signature and a Scorer. A Model is a name with versions; a Registry
// hands out immutable snapshots of all models.
//
// PREDICT is bound once, when a statement is analysed: Bind checks the argument types against the signature and says
// what the call returns. At run time Binding.Score moves a batch of columns into contiguous tensors, scores it in one
// call and moves the outputs back.
//
// # What PREDICT takes
//
// A model with one input of F elements a row takes F arguments (columns of the tensor in order). A model with several
// inputs takes the sum of their widths, input after input: one argument for each input of width 1, as scikit-learn
// pipelines over named columns have them. Numeric tensors take INTEGER, BIGINT, DECIMAL and DOUBLE, integer ones
// INTEGER and BIGINT, boolean ones BOOLEAN, string ones STRING.
//
// An input may be given as one ARRAY of its elements. One STRUCT may stand for all arguments: its fields are found by the names of inputs, or
// of the columns of an input, without regard to case.
//
// A NULL argument of a floating-point input becomes NaN, which is what models call a missing value. A NULL argument of
// an integer, boolean or string input makes the result NULL, since such tensors cannot hold a missing value; the row
// is not scored.
//
// # What PREDICT returns
//
// A model with one output returns that output; one with several returns a STRUCT with one field an output, named as
// the output is in upper case, so that PREDICT(m, ...)->label finds an output called label. An output of one element
// a row is a DOUBLE (floating point), BIGINT, BOOLEAN or STRING; of more elements an ARRAY of those; a ZipMap output is
// a MAP<STRING, DOUBLE> from class to score. So a regressor, or a classifier exported with its probability alone,
// gives a DOUBLE; scikit-learn's classifiers give STRUCT<`LABEL` ..., `PROBABILITIES` MAP<STRING, DOUBLE>>. So do
// boosted trees from XGBoost's and LightGBM's own files, whose labels are numbers from 0 (see package boost).
package model
