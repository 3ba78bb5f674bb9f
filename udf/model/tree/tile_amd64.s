#include "textflag.h"

// func sumTiles(limits *tileLimits, features *tileFeatures, leaves *float32, steps *int32, first, end int, x *float32, width int, sum float32) float32
TEXT ·sumTiles(SB), NOSPLIT, $0-76
	MOVQ limits+0(FP), R8
	MOVQ features+8(FP), R9
	MOVQ leaves+16(FP), R10
	MOVQ steps+24(FP), R11
	MOVQ first+32(FP), DI
	MOVQ end+40(FP), R13
	LEAQ ·threeLevels(SB), R12

	// The row, as far as it goes.
	MOVQ      x+48(FP), SI
	MOVQ      width+56(FP), CX
	MOVQ      $-1, AX
	BZHIQ     CX, AX, AX
	KMOVW     AX, K2
	SHRQ      $16, AX
	KMOVW     AX, K3
	VMOVUPS.Z (SI), K2, Z16
	VMOVUPS.Z 64(SI), K3, Z17
	VMOVSS    sum+64(FP), X0

tree:
	LEAQ (DI*8), AX
	MOVL (R11)(DI*4), BX

	// AX is eight times the tile's number. 0x1d is "feature >= limit", and false for NaN.
step:
	VPMOVZXBD (R9)(AX*2), Z18
	VPERMI2PS Z17, Z16, Z18
	VCMPPS    $0x1d, (R8)(AX*8), Z18, K1
	KMOVW     K1, DX
	MOVBLZX   DL, CX
	MOVBLZX   (R12)(CX*1), CX
	BTL       CX, DX
	ADCL      CX, CX
	MOVL      (R8)(AX*8), AX
	LEAL      (AX)(CX*8), AX
	DECL      BX
	JNZ       step

	SHRL   $1, AX
	VADDSS (R10)(AX*1), X0, X0
	INCQ   DI
	CMPQ   DI, R13
	JLT    tree
	VMOVSS X0, ret+72(FP)
	RET
