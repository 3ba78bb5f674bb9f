package boost

import "math"

// Link turns the scores of a row into predictions, in place. nil leaves them as they are.
type Link func(scores []float32)

// Logistic is 1/(1+exp(-k*x)).
func Logistic(k float64) Link {
	return func(scores []float32) {
		for i, x := range scores {
			scores[i] = float32(1 / (1 + math.Exp(-k*float64(x))))
		}
	}
}

// Exp is the link of counts and positive amounts.
func Exp(scores []float32) {
	for i, x := range scores {
		scores[i] = float32(math.Exp(float64(x)))
	}
}

// Softmax makes the scores probabilities that add up to 1.
func Softmax(scores []float32) {
	top := scores[0]
	for _, x := range scores {
		top = max(top, x)
	}
	sum := 0.0
	for i, x := range scores {
		e := math.Exp(float64(x - top))
		scores[i] = float32(e)
		sum += e
	}
	for i := range scores {
		scores[i] = float32(float64(scores[i]) / sum)
	}
}

// SignedSquare undoes the square root that was trained on.
func SignedSquare(scores []float32) {
	for i, x := range scores {
		scores[i] = float32(math.Copysign(float64(x)*float64(x), float64(x)))
	}
}

// LogOnePlusExp is the link of LightGBM's cross_entropy_lambda.
func LogOnePlusExp(scores []float32) {
	for i, x := range scores {
		scores[i] = float32(math.Log1p(math.Exp(float64(x))))
	}
}
