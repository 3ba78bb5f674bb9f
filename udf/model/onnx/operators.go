package onnx

import "math"

// operators are all that this package covers, by operator with its domain. Each refuses the forms it does not know.
var operators = map[string]operator{
	// arithmetic
	"Add":  arithmetic(addTo[float32], addTo[float64], addTo[int64]),
	"Sub":  arithmetic(subTo[float32], subTo[float64], subTo[int64]),
	"Mul":  arithmetic(mulTo[float32], mulTo[float64], mulTo[int64]),
	"Div":  arithmetic(divTo[float32], divTo[float64], nil),
	"Pow":  arithmetic(powTo[float32], powTo[float64], nil),
	"Min":  arithmetic(minTo[float32], minTo[float64], minTo[int64]),
	"Max":  arithmetic(maxTo[float32], maxTo[float64], maxTo[int64]),
	"Sum":  arithmetic(addTo[float32], addTo[float64], nil),
	"Clip": clip,

	// functions of one number
	"Relu":        mapping(relu[float32], relu[float64], relu[int64]),
	"Neg":         mapping(negate[float32], negate[float64], negate[int64]),
	"Abs":         mapping(absolute[float32], absolute[float64], absolute[int64]),
	"Exp":         realFunc(math.Exp),
	"Log":         realFunc(math.Log),
	"Sqrt":        realFunc(math.Sqrt),
	"Tanh":        realFunc(math.Tanh),
	"Sigmoid":     realFunc(sigmoid),
	"Softplus":    realFunc(softplus),
	"Erf":         realFunc(math.Erf),
	"Floor":       realFunc(math.Floor),
	"Ceil":        realFunc(math.Ceil),
	"Round":       realFunc(math.RoundToEven),
	"Sign":        realFunc(sign),
	"Reciprocal":  realFunc(func(v float64) float64 { return 1 / v }),
	"LeakyRelu":   leakyRelu,
	"Elu":         elu,
	"HardSigmoid": hardSigmoid,

	// conditions
	"Less":           comparison(less[float32], less[float64], less[int64], nil, nil),
	"LessOrEqual":    comparison(lessOrEqual[float32], lessOrEqual[float64], lessOrEqual[int64], nil, nil),
	"Greater":        comparison(greater[float32], greater[float64], greater[int64], nil, nil),
	"GreaterOrEqual": comparison(greaterEqual[float32], greaterEqual[float64], greaterEqual[int64], nil, nil),
	"Equal":          comparison(equal[float32], equal[float64], equal[int64], equal[string], equal[bool]),
	"And":            logical(func(a, b bool) bool { return a && b }),
	"Or":             logical(func(a, b bool) bool { return a || b }),
	"Xor":            logical(func(a, b bool) bool { return a != b }),
	"Not":            not,
	"IsNaN":          isNaN,
	"Where":          where,

	// matrices
	"MatMul":             matMul,
	"Gemm":               gemm,
	"BatchNormalization": batchNormalization,

	// reductions
	"ReduceSum":       reduction(sumOf[float32], sumOf[float64], sumOf[int64], 13),
	"ReduceMean":      reduction(meanOf[float32], meanOf[float64], nil, 18),
	"ReduceProd":      reduction(productOf[float32], productOf[float64], productOf[int64], 18),
	"ReduceMin":       reduction(smallestOf[float32], smallestOf[float64], smallestOf[int64], 18),
	"ReduceMax":       reduction(largestOf[float32], largestOf[float64], largestOf[int64], 18),
	"ReduceSumSquare": reduction(sumSquareOf[float32], sumSquareOf[float64], nil, 18),
	"ReduceL1":        reduction(sumAbsOf[float32], sumAbsOf[float64], nil, 18),
	"ReduceL2":        reduction(normOf[float32], normOf[float64], nil, 18),
	"ReduceLogSumExp": reduction(logSumExpOf[float32], logSumExpOf[float64], nil, 18),
	"ArgMax":          arg(true),
	"ArgMin":          arg(false),
	"Softmax":         softmax(false),
	"LogSoftmax":      softmax(true),
	"LpNormalization": lpNormalization,

	// moving data
	"Identity":  identity,
	"Dropout":   identity,
	"Cast":      cast,
	"Constant":  constantOf,
	"Reshape":   reshape,
	"Flatten":   flatten,
	"Squeeze":   squeeze,
	"Unsqueeze": unsqueeze,
	"Transpose": transpose,
	"Gather":    gather,
	"Slice":     slice,
	"Split":     split,
	"Concat":    concat,

	// ONNX-ML
	"ai.onnx.ml.ArrayFeatureExtractor":  arrayFeatureExtractor,
	"ai.onnx.ml.Binarizer":              binarizer,
	"ai.onnx.ml.FeatureVectorizer":      featureVectorizer,
	"ai.onnx.ml.Imputer":                imputer,
	"ai.onnx.ml.LabelEncoder":           labelEncoder,
	"ai.onnx.ml.LinearClassifier":       linearClassifier,
	"ai.onnx.ml.LinearRegressor":        linearRegressor,
	"ai.onnx.ml.Normalizer":             normalizer,
	"ai.onnx.ml.OneHotEncoder":          oneHotEncoder,
	"ai.onnx.ml.Scaler":                 scaler,
	"ai.onnx.ml.SVMClassifier":          svmClassifier,
	"ai.onnx.ml.SVMRegressor":           svmRegressor,
	"ai.onnx.ml.TreeEnsembleClassifier": treeClassifier,
	"ai.onnx.ml.TreeEnsembleRegressor":  treeRegressor,
	"ai.onnx.ml.ZipMap":                 zipMap,
}
