#include "textflag.h"

// PAIR converts four rows of two columns and puts them side by side.
#define PAIR(left, right, x, y, u) \
	VCVTPD2PSY  (left)(DX*1), x  \
	VCVTPD2PSY  (right)(DX*1), u \
	VINSERTF128 $1, u, y, y

// func interleave8(dst *float32, stride int, columns *[blockColumns]*float64, blocks int)
TEXT ·interleave8(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ stride+8(FP), SI
	MOVQ columns+16(FP), DX
	MOVQ blocks+24(FP), CX
	MOVQ 0(DX), AX
	MOVQ 8(DX), BX
	MOVQ 16(DX), R8
	MOVQ 24(DX), R9
	MOVQ 32(DX), R10
	MOVQ 40(DX), R11
	MOVQ 48(DX), R12
	MOVQ 56(DX), R13
	XORQ DX, DX

block8:
	// Columns 0 and 4, 1 and 5 and so on, so that no row has to cross from one half of the registers to the other.
	PAIR(AX, R10, X0, Y0, X4)
	PAIR(BX, R11, X1, Y1, X5)
	PAIR(R8, R12, X2, Y2, X6)
	PAIR(R9, R13, X3, Y3, X7)
	VUNPCKLPS Y1, Y0, Y4
	VUNPCKHPS Y1, Y0, Y5
	VUNPCKLPS Y3, Y2, Y6
	VUNPCKHPS Y3, Y2, Y7
	VUNPCKLPD Y6, Y4, Y0
	VUNPCKHPD Y6, Y4, Y1
	VUNPCKLPD Y7, Y5, Y2
	VUNPCKHPD Y7, Y5, Y3
	VMOVUPS   Y0, (DI)
	VMOVUPS   Y1, (DI)(SI*1)
	LEAQ      (DI)(SI*2), DI
	VMOVUPS   Y2, (DI)
	VMOVUPS   Y3, (DI)(SI*1)
	LEAQ      (DI)(SI*2), DI
	ADDQ      $32, DX
	DECQ      CX
	JNZ       block8
	VZEROUPPER
	RET

// func interleave4(dst *float32, stride int, columns *[blockColumns]*float64, blocks int)
TEXT ·interleave4(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ stride+8(FP), SI
	MOVQ columns+16(FP), DX
	MOVQ blocks+24(FP), CX
	MOVQ 0(DX), AX
	MOVQ 8(DX), BX
	MOVQ 16(DX), R8
	MOVQ 24(DX), R9
	XORQ DX, DX

block4:
	VCVTPD2PSY (AX)(DX*1), X0
	VCVTPD2PSY (BX)(DX*1), X1
	VCVTPD2PSY (R8)(DX*1), X2
	VCVTPD2PSY (R9)(DX*1), X3
	VUNPCKLPS  X1, X0, X4
	VUNPCKHPS  X1, X0, X5
	VUNPCKLPS  X3, X2, X6
	VUNPCKHPS  X3, X2, X7
	VUNPCKLPD  X6, X4, X0
	VUNPCKHPD  X6, X4, X1
	VUNPCKLPD  X7, X5, X2
	VUNPCKHPD  X7, X5, X3
	VMOVUPS    X0, (DI)
	VMOVUPS    X1, (DI)(SI*1)
	LEAQ       (DI)(SI*2), DI
	VMOVUPS    X2, (DI)
	VMOVUPS    X3, (DI)(SI*1)
	LEAQ       (DI)(SI*2), DI
	ADDQ       $32, DX
	DECQ       CX
	JNZ        block4
	VZEROUPPER
	RET
