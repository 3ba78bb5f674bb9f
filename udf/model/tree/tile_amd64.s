#include "textflag.h"

// func sumTiles(limits *tileLimits, features *tileFeatures, leaves *float32, steps *int32, down *uint8, first, end int, x *float32, width int, plain bool, sum float32) float32
TEXT ·sumTiles(SB), NOSPLIT, $0-84
	MOVQ    limits+0(FP), R8
	MOVQ    features+8(FP), R9
	MOVQ    leaves+16(FP), R10
	MOVQ    steps+24(FP), R11
	MOVQ    down+32(FP), R12
	MOVQ    first+40(FP), DI
	MOVQ    end+48(FP), R13
	MOVBLZX plain+72(FP), R15

	// The row, as far as it goes.
	MOVQ      x+56(FP), SI
	MOVQ      width+64(FP), CX
	MOVQ      $-1, AX
	BZHIQ     CX, AX, AX
	KMOVW     AX, K2
	VMOVUPS.Z (SI), K2, Z16
	SHRQ      $16, AX
	KMOVW     AX, K2
	VMOVUPS.Z 64(SI), K2, Z17
	TESTL     R15, R15
	JNZ       begin
	SHRQ      $16, AX
	KMOVW     AX, K2
	VMOVUPS.Z 128(SI), K2, Z18
	SHRQ      $16, AX
	KMOVW     AX, K2
	VMOVUPS.Z 192(SI), K2, Z19

	MOVL         $32, AX
	VPBROADCASTD AX, Z20
	MOVL         $128, AX
	VPBROADCASTD AX, Z21

begin:
	VMOVSS sum+76(FP), X0

tree:
	LEAQ (DI*8), AX
	MOVL (R11)(DI*4), BX

	// AX is eight times the tile's number. 0x1d is "feature >= limit", and false for NaN.
step:
	VPMOVZXBD (R9)(AX*2), Z24
	TESTL     R15, R15
	JZ        any
	VPERMI2PS Z17, Z16, Z24
	VCMPPS    $0x1d, (R8)(AX*8), Z24, K1

decided:
	KMOVW   K1, DX
	MOVBLZX DL, CX
	MOVBLZX (R12)(CX*1), CX
	BTL     CX, DX
	ADCL    CX, CX
	MOVL    (R8)(AX*8), AX
	LEAL    (AX)(CX*8), AX
	DECL    BX
	JNZ     step

	SHRL   $1, AX
	VADDSS (R10)(AX*1), X0, X0
	INCQ   DI
	CMPQ   DI, R13
	JLT    tree
	VMOVSS X0, ret+80(FP)
	RET

	// K2 has the features from the 32nd on, and K4 those whose NaN goes to the right. 3 is "one is NaN".
any:
	VPTESTMD  Z20, Z24, K2
	VPTESTMD  Z21, Z24, K4
	KNOTW     K2, K3
	VPERMI2PS Z19, Z18, K2, Z24
	VPERMI2PS Z17, Z16, K3, Z24
	VCMPPS    $0x1d, (R8)(AX*8), Z24, K1
	VCMPPS    $3, Z24, Z24, K4, K4
	KORW      K4, K1, K1
	JMP       decided
