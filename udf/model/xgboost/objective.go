package xgboost

import (
	"math"

	"github.com/millrace/millrace/udf/model/boost"
)

// objective is what a name in the file says about predictions.
type objective struct {
	form   boost.Form
	link   boost.Link
	margin func(float64) float64 // of base_score; nil: the same
}

func logit(p float64) float64 { return -math.Log(1/p - 1) }

var (
	plain    = objective{}
	logistic = objective{link: boost.Logistic(1), margin: logit}
	positive = objective{link: boost.Exp, margin: math.Log}
	classes  = objective{form: boost.Multiclass, link: boost.Softmax}
)

var objectives = map[string]objective{
	"reg:squarederror":     plain,
	"reg:linear":           plain, // the old name
	"reg:squaredlogerror":  plain,
	"reg:absoluteerror":    plain,
	"reg:pseudohubererror": plain,
	"reg:quantileerror":    plain,
	"rank:pairwise":        plain,
	"rank:ndcg":            plain,
	"rank:map":             plain,
	"reg:logistic":         logistic,
	"binary:logistic":      {form: boost.Binary, link: logistic.link, margin: logit},
	"binary:logitraw":      plain,
	"binary:hinge":         {form: boost.Label},
	"multi:softprob":       classes,
	"multi:softmax":        classes,
	"count:poisson":        positive,
	"reg:gamma":            positive,
	"reg:tweedie":          positive,
	"survival:cox":         positive,
	"survival:aft":         positive,
}
