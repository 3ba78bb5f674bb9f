#include "textflag.h"

// PAIR converts four rows of two columns and puts them side by side.
#define PAIR(left, right, x, y, u) \
	VCVTPD2PSY  (left)(DX*1), x  \
	VCVTPD2PSY  (right)(DX*1), u \
	VINSERTF128 $1, u, y, y

// ROWS turns the columns in C0 to C3 into rows and writes these, SI bytes after each other, to DI, which it moves behind them.
#define ROWS(C0, C1, C2, C3, T0, T1, T2, T3) \
	VUNPCKLPS C1, C0, T0 \
	VUNPCKHPS C1, C0, T1 \
	VUNPCKLPS C3, C2, T2 \
	VUNPCKHPS C3, C2, T3 \
	VUNPCKLPD T2, T0, C0 \
	VUNPCKHPD T2, T0, C1 \
	VUNPCKLPD T3, T1, C2 \
	VUNPCKHPD T3, T1, C3 \
	VMOVUPS   C0, (DI) \
	VMOVUPS   C1, (DI)(SI*1) \
	LEAQ      (DI)(SI*2), DI \
	VMOVUPS   C2, (DI) \
	VMOVUPS   C3, (DI)(SI*1) \
	LEAQ      (DI)(SI*2), DI

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
	ROWS(Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7)
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
	ROWS(X0, X1, X2, X3, X4, X5, X6, X7)
	ADDQ       $32, DX
	DECQ       CX
	JNZ        block4
	VZEROUPPER
	RET
