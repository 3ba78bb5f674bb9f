package onnx

// vector computes n elements, a multiple of lanes.
func (s smooth) vector(dst, src *float32, n int) {
	switch s {
	case smoothExp:
		expLanes(dst, src, n, &expTable[0])
	case smoothSigmoid:
		sigmoidLanes(dst, src, n, &expTable[0])
	case smoothTanh:
		tanhLanes(dst, src, n, &tanhTable[0])
	}
}

//go:noescape
func expLanes(dst, src *float32, n int, table *lane)

//go:noescape
func sigmoidLanes(dst, src *float32, n int, table *lane)

//go:noescape
func tanhLanes(dst, src *float32, n int, table *lane)
