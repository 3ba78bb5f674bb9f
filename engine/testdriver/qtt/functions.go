package qtt

import "github.com/millrace/millrace/udf"

// testFunctions are the functions that only the cases call.
func testFunctions() []udf.Function { return nil }
