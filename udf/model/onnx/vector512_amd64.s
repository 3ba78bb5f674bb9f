#include "textflag.h"

// As in vector_amd64.s, products are rounded before they are added, in the order of the inputs: the bits are those of the portable loop.

// ROW adds to the sums of a row, acc, its number at x times sixteen weights.
#define ROW(x, acc) \
	VMULPS.BCST x, Z16, Z17  \
	VADDPS      Z17, acc, acc

// func rows8(x *float32, n int, panels *float32, distance int, bias, y *float32, stride int)
TEXT ·rows8(SB), NOSPLIT, $0-56
	MOVQ   x+0(FP), SI
	MOVQ   n+8(FP), CX
	MOVQ   panels+16(FP), DI
	MOVQ   distance+24(FP), DX
	MOVQ   y+40(FP), BX
	MOVQ   stride+48(FP), AX
	LEAQ   (SI)(CX*4), R9
	LEAQ   (R9)(CX*4), R10
	LEAQ   (R10)(CX*4), R11
	LEAQ   (R11)(CX*4), R12
	LEAQ   (R12)(CX*4), R13
	LEAQ   (R13)(CX*4), R14
	LEAQ   (R14)(CX*4), R15
	XORQ   R8, R8
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPXORQ Z2, Z2, Z2
	VPXORQ Z3, Z3, Z3
	VPXORQ Z4, Z4, Z4
	VPXORQ Z5, Z5, Z5
	VPXORQ Z6, Z6, Z6
	VPXORQ Z7, Z7, Z7

loop:
	VMOVUPS      (DI), Y16
	VINSERTF64X4 $1, (DI)(DX*1), Z16, Z16
	ROW((SI)(R8*4), Z0)
	ROW((R9)(R8*4), Z1)
	ROW((R10)(R8*4), Z2)
	ROW((R11)(R8*4), Z3)
	ROW((R12)(R8*4), Z4)
	ROW((R13)(R8*4), Z5)
	ROW((R14)(R8*4), Z6)
	ROW((R15)(R8*4), Z7)
	ADDQ         $32, DI
	INCQ         R8
	CMPQ         R8, CX
	JNE          loop

	MOVQ    bias+32(FP), DX
	VMOVUPS (DX), Z16
	VADDPS  Z16, Z0, Z0
	VADDPS  Z16, Z1, Z1
	VADDPS  Z16, Z2, Z2
	VADDPS  Z16, Z3, Z3
	VADDPS  Z16, Z4, Z4
	VADDPS  Z16, Z5, Z5
	VADDPS  Z16, Z6, Z6
	VADDPS  Z16, Z7, Z7
	VMOVUPS Z0, (BX)
	VMOVUPS Z1, (BX)(AX*4)
	LEAQ    (BX)(AX*8), BX
	VMOVUPS Z2, (BX)
	VMOVUPS Z3, (BX)(AX*4)
	LEAQ    (BX)(AX*8), BX
	VMOVUPS Z4, (BX)
	VMOVUPS Z5, (BX)(AX*4)
	LEAQ    (BX)(AX*8), BX
	VMOVUPS Z6, (BX)
	VMOVUPS Z7, (BX)(AX*4)
	VZEROUPPER
	RET
