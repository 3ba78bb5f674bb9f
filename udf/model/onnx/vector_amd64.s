#include "textflag.h"

// The products are rounded before they are added (no fused multiply-add), and each output adds them in the order of
// the inputs, so the sums have the bits of the portable loop.

// func pass4(x *float32, n int, panels *float32, stride int, sums *float32)
TEXT ·pass4(SB), NOSPLIT, $0-40
	MOVQ   x+0(FP), SI
	MOVQ   n+8(FP), CX
	MOVQ   panels+16(FP), DI
	MOVQ   stride+24(FP), R8
	MOVQ   sums+32(FP), DX
	LEAQ   (DI)(R8*1), R9
	LEAQ   (R9)(R8*1), R10
	LEAQ   (R10)(R8*1), R11
	XORQ   R12, R12
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3

loop4:
	VBROADCASTSS (SI), Y4
	VMULPS       (DI)(R12*1), Y4, Y5
	VMULPS       (R9)(R12*1), Y4, Y6
	VMULPS       (R10)(R12*1), Y4, Y7
	VMULPS       (R11)(R12*1), Y4, Y8
	VADDPS       Y5, Y0, Y0
	VADDPS       Y6, Y1, Y1
	VADDPS       Y7, Y2, Y2
	VADDPS       Y8, Y3, Y3
	ADDQ         $4, SI
	ADDQ         $32, R12
	DECQ         CX
	JNZ          loop4

	VMOVUPS Y0, (DX)
	VMOVUPS Y1, 32(DX)
	VMOVUPS Y2, 64(DX)
	VMOVUPS Y3, 96(DX)
	VZEROUPPER
	RET

// func pass1(x *float32, n int, panel *float32, sums *float32)
TEXT ·pass1(SB), NOSPLIT, $0-32
	MOVQ   x+0(FP), SI
	MOVQ   n+8(FP), CX
	MOVQ   panel+16(FP), DI
	MOVQ   sums+24(FP), DX
	VXORPS Y0, Y0, Y0

loop1:
	VBROADCASTSS (SI), Y4
	VMULPS       (DI), Y4, Y5
	VADDPS       Y5, Y0, Y0
	ADDQ         $4, SI
	ADDQ         $32, DI
	DECQ         CX
	JNZ          loop1

	VMOVUPS Y0, (DX)
	VZEROUPPER
	RET

// func rows4(x *float32, n int, panel, bias, y *float32, stride int)
TEXT ·rows4(SB), NOSPLIT, $0-48
	MOVQ   x+0(FP), SI
	MOVQ   n+8(FP), CX
	MOVQ   panel+16(FP), DI
	MOVQ   bias+24(FP), DX
	MOVQ   y+32(FP), BX
	MOVQ   stride+40(FP), AX
	LEAQ   (SI)(CX*4), R9
	LEAQ   (R9)(CX*4), R10
	LEAQ   (R10)(CX*4), R11
	XORQ   R12, R12
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3

loopRows:
	VMOVUPS      (DI), Y4
	VBROADCASTSS (SI)(R12*4), Y5
	VBROADCASTSS (R9)(R12*4), Y6
	VBROADCASTSS (R10)(R12*4), Y7
	VBROADCASTSS (R11)(R12*4), Y8
	VMULPS       Y4, Y5, Y5
	VMULPS       Y4, Y6, Y6
	VMULPS       Y4, Y7, Y7
	VMULPS       Y4, Y8, Y8
	VADDPS       Y5, Y0, Y0
	VADDPS       Y6, Y1, Y1
	VADDPS       Y7, Y2, Y2
	VADDPS       Y8, Y3, Y3
	ADDQ         $32, DI
	INCQ         R12
	CMPQ         R12, CX
	JNE          loopRows

	VMOVUPS (DX), Y4
	VADDPS  Y4, Y0, Y0
	VADDPS  Y4, Y1, Y1
	VADDPS  Y4, Y2, Y2
	VADDPS  Y4, Y3, Y3
	VMOVUPS Y0, (BX)
	VMOVUPS Y1, (BX)(AX*4)
	LEAQ    (BX)(AX*8), BX
	VMOVUPS Y2, (BX)
	VMOVUPS Y3, (BX)(AX*4)
	VZEROUPPER
	RET

// func reluLanes(dst, src *float32, n int)
// A maximum gives its second operand where one is NaN, which is the number itself; adding 0 makes 0 of -0, as max does.
TEXT ·reluLanes(SB), NOSPLIT, $0-24
	MOVQ   dst+0(FP), DI
	MOVQ   src+8(FP), SI
	MOVQ   n+16(FP), CX
	VXORPS Y0, Y0, Y0

loopRelu:
	VMAXPS  (SI), Y0, Y1
	VADDPS  Y0, Y1, Y1
	VMOVUPS Y1, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JNZ     loopRelu
	VZEROUPPER
	RET
