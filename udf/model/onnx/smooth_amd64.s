#include "textflag.h"

// See smooth.go. Constants are read from tables, 32 bytes each. A minimum or maximum gives its second operand where one is NaN,
// which is the number itself.

// EXP sets Y4 to exp(Y0) and uses Y1 to Y5. The table is at R8.
#define EXP \
	VMOVUPS   (R8), Y1        \
	VMINPS    Y0, Y1, Y0      \
	VMOVUPS   32(R8), Y1      \
	VMAXPS    Y0, Y1, Y0      \
	VMULPS    64(R8), Y0, Y1  \
	VADDPS    96(R8), Y1, Y1  \
	VSUBPS    96(R8), Y1, Y1  \
	VCVTPS2DQ Y1, Y2          \
	VMULPS    128(R8), Y1, Y3 \
	VSUBPS    Y3, Y0, Y0      \
	VMULPS    160(R8), Y1, Y3 \
	VSUBPS    Y3, Y0, Y0      \
	VMULPS    192(R8), Y0, Y4 \
	VADDPS    224(R8), Y4, Y4 \
	VMULPS    Y0, Y4, Y4      \
	VADDPS    256(R8), Y4, Y4 \
	VMULPS    Y0, Y4, Y4      \
	VADDPS    288(R8), Y4, Y4 \
	VMULPS    Y0, Y4, Y4      \
	VADDPS    320(R8), Y4, Y4 \
	VMULPS    Y0, Y4, Y4      \
	VADDPS    352(R8), Y4, Y4 \
	VMULPS    Y0, Y0, Y5      \
	VMULPS    Y5, Y4, Y4      \
	VADDPS    Y0, Y4, Y4      \
	VADDPS    384(R8), Y4, Y4 \
	VPSRAD    $1, Y2, Y3      \
	VPSUBD    Y3, Y2, Y2      \
	VPADDD    416(R8), Y3, Y3 \
	VPSLLD    $23, Y3, Y3     \
	VMULPS    Y3, Y4, Y4      \
	VPADDD    416(R8), Y2, Y2 \
	VPSLLD    $23, Y2, Y2     \
	VMULPS    Y2, Y4, Y4

// func expLanes(dst, src *float32, n int, table *lane)
TEXT ·expLanes(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ table+24(FP), R8

loop:
	VMOVUPS (SI), Y0
	EXP
	VMOVUPS Y4, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JNZ     loop
	VZEROUPPER
	RET

// func sigmoidLanes(dst, src *float32, n int, table *lane)
TEXT ·sigmoidLanes(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ table+24(FP), R8

loop:
	VMOVUPS (SI), Y0
	VXORPS  448(R8), Y0, Y0
	EXP
	VMOVUPS 384(R8), Y5
	VADDPS  Y5, Y4, Y4
	VDIVPS  Y4, Y5, Y4
	VMOVUPS Y4, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JNZ     loop
	VZEROUPPER
	RET

// func tanhLanes(dst, src *float32, n int, table *lane)
TEXT ·tanhLanes(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ table+24(FP), R8

loop:
	VMOVUPS (SI), Y0
	VMOVUPS (R8), Y1
	VMINPS  Y0, Y1, Y0
	VMOVUPS 32(R8), Y1
	VMAXPS  Y0, Y1, Y0
	VMULPS  Y0, Y0, Y1
	VMULPS  64(R8), Y1, Y2
	VADDPS  96(R8), Y2, Y2
	VMULPS  Y1, Y2, Y2
	VADDPS  128(R8), Y2, Y2
	VMULPS  Y1, Y2, Y2
	VADDPS  160(R8), Y2, Y2
	VMULPS  Y1, Y2, Y2
	VADDPS  192(R8), Y2, Y2
	VMULPS  Y1, Y2, Y2
	VADDPS  224(R8), Y2, Y2
	VMULPS  Y1, Y2, Y2
	VADDPS  256(R8), Y2, Y2
	VMULPS  Y0, Y2, Y2
	VMULPS  288(R8), Y1, Y3
	VADDPS  320(R8), Y3, Y3
	VMULPS  Y1, Y3, Y3
	VADDPS  352(R8), Y3, Y3
	VMULPS  Y1, Y3, Y3
	VADDPS  384(R8), Y3, Y3
	VDIVPS  Y3, Y2, Y2
	VMOVUPS Y2, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JNZ     loop
	VZEROUPPER
	RET
