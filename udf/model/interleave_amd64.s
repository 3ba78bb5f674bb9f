#include "textflag.h"

// LOAD converts eight numbers of column k.
#define LOAD(k, x, y) \
	MOVQ        8*k(R8), AX          \
	VCVTPD2PSY  (AX)(CX*1), x        \
	VCVTPD2PSY  32(AX)(CX*1), X8     \
	VINSERTF128 $1, X8, y, y

// STORE writes a row: half of it is in each of two registers.
#define STORE(half, left, right) \
	VPERM2F128 $half, right, left, Y8  \
	VMASKMOVPS Y8, Y15, (DI)           \
	ADDQ       SI, DI

// func interleave8(dst *float32, stride int, columns *[interleaved]*float64, mask *[interleaved]int32, blocks int)
TEXT ·interleave8(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ stride+8(FP), SI
	MOVQ columns+16(FP), R8
	MOVQ mask+24(FP), R9
	MOVQ blocks+32(FP), DX
	XORQ CX, CX

block:
	LOAD(0, X0, Y0)
	LOAD(1, X1, Y1)
	LOAD(2, X2, Y2)
	LOAD(3, X3, Y3)
	LOAD(4, X4, Y4)
	LOAD(5, X5, Y5)
	LOAD(6, X6, Y6)
	LOAD(7, X7, Y7)

	// Pairs of columns, then four of them: rows 0 and 4 in Y0 and Y4, 1 and 5 in Y1 and Y5, and so on.
	VUNPCKLPS Y1, Y0, Y8
	VUNPCKHPS Y1, Y0, Y9
	VUNPCKLPS Y3, Y2, Y10
	VUNPCKHPS Y3, Y2, Y11
	VUNPCKLPS Y5, Y4, Y12
	VUNPCKHPS Y5, Y4, Y13
	VUNPCKLPS Y7, Y6, Y14
	VUNPCKHPS Y7, Y6, Y15
	VUNPCKLPD Y10, Y8, Y0
	VUNPCKHPD Y10, Y8, Y1
	VUNPCKLPD Y11, Y9, Y2
	VUNPCKHPD Y11, Y9, Y3
	VUNPCKLPD Y14, Y12, Y4
	VUNPCKHPD Y14, Y12, Y5
	VUNPCKLPD Y15, Y13, Y6
	VUNPCKHPD Y15, Y13, Y7

	VMOVDQU (R9), Y15
	STORE(0x20, Y0, Y4)
	STORE(0x20, Y1, Y5)
	STORE(0x20, Y2, Y6)
	STORE(0x20, Y3, Y7)
	STORE(0x31, Y0, Y4)
	STORE(0x31, Y1, Y5)
	STORE(0x31, Y2, Y6)
	STORE(0x31, Y3, Y7)
	ADDQ $64, CX
	DECQ DX
	JNZ  block
	VZEROUPPER
	RET
