#include "textflag.h"

// FOLLOW decides a node, at R8, for the sixteen rows at x: k has those that go to the right. 0x12 is "limit <= x", and false for NaN.
#define FOLLOW(x, k) \
	VCMPPS $0x12, (x)(AX*1), Z24, k

// STRIKE leaves those leaves of such rows that mask has.
#define STRIKE(mask, k, left) \
	VPANDD mask, left, k, left

// VALUE adds to the sums at place the leaf that is the first one left, of those in Z16 and Z17.
#define VALUE(left, place) \
	VPLZCNTD  left, Z30        \
	VMOVAPS   Z16, Z31         \
	VPERMT2PS Z17, Z30, Z31    \
	VADDPS    place, Z31, Z31  \
	VMOVUPS   Z31, place

// VALUEWIDE is VALUE where the second half of the leaves, in Z18 and Z19, counts if nothing is left of the first.
#define VALUEWIDE(high, low, place) \
	VPLZCNTD  high, Z30        \
	VMOVAPS   Z16, Z31         \
	VPERMT2PS Z17, Z30, Z31    \
	VPLZCNTD  low, Z30         \
	VMOVAPS   Z18, Z29         \
	VPERMT2PS Z19, Z30, Z29    \
	VPTESTNMD high, high, K1   \
	VMOVAPS   Z29, K1, Z31     \
	VADDPS    place, Z31, Z31  \
	VMOVUPS   Z31, place

#define ALL(z) VPTERNLOGD $0xff, z, z, z

// func scoreGroups(nodes *quickNode, n int, leaves, x *float32, stride, groups int, sums *float32)
TEXT ·scoreGroups(SB), NOSPLIT, $0-56
	MOVQ    n+8(FP), DX
	MOVQ    leaves+16(FP), AX
	MOVQ    x+24(FP), SI
	MOVQ    stride+32(FP), DI
	MOVQ    groups+40(FP), CX
	MOVQ    sums+48(FP), BX
	VMOVUPS (AX), Z16
	VMOVUPS 64(AX), Z17

four:
	CMPQ CX, $4
	JLT  one
	MOVQ nodes+0(FP), R8
	MOVQ DX, R12
	LEAQ (SI)(DI*1), R9
	LEAQ (SI)(DI*2), R10
	LEAQ (R9)(DI*2), R11
	ALL(Z0)
	ALL(Z1)
	ALL(Z2)
	ALL(Z3)

node4:
	MOVLQZX      4(R8), AX
	VBROADCASTSS (R8), Z24
	VPBROADCASTD 8(R8), Z25
	FOLLOW(SI, K1)
	FOLLOW(R9, K2)
	FOLLOW(R10, K3)
	FOLLOW(R11, K4)
	STRIKE(Z25, K1, Z0)
	STRIKE(Z25, K2, Z1)
	STRIKE(Z25, K3, Z2)
	STRIKE(Z25, K4, Z3)
	ADDQ         $16, R8
	DECQ         R12
	JNZ          node4

	VALUE(Z0, 0(BX))
	VALUE(Z1, 64(BX))
	VALUE(Z2, 128(BX))
	VALUE(Z3, 192(BX))
	ADDQ $256, BX
	LEAQ (SI)(DI*4), SI
	SUBQ $4, CX
	JMP  four

one:
	TESTQ CX, CX
	JZ    done
	MOVQ  nodes+0(FP), R8
	MOVQ  DX, R12
	ALL(Z0)

node1:
	MOVLQZX      4(R8), AX
	VBROADCASTSS (R8), Z24
	FOLLOW(SI, K1)
	VPANDD.BCST  8(R8), Z0, K1, Z0
	ADDQ         $16, R8
	DECQ         R12
	JNZ          node1

	VALUE(Z0, 0(BX))
	ADDQ $64, BX
	ADDQ DI, SI
	DECQ CX
	JMP  one

done:
	VZEROUPPER
	RET

// func scoreGroupsWide(nodes *quickNode, n int, leaves, x *float32, stride, groups int, sums *float32)
TEXT ·scoreGroupsWide(SB), NOSPLIT, $0-56
	MOVQ    n+8(FP), DX
	MOVQ    leaves+16(FP), AX
	MOVQ    x+24(FP), SI
	MOVQ    stride+32(FP), DI
	MOVQ    groups+40(FP), CX
	MOVQ    sums+48(FP), BX
	VMOVUPS (AX), Z16
	VMOVUPS 64(AX), Z17
	VMOVUPS 128(AX), Z18
	VMOVUPS 192(AX), Z19

four:
	CMPQ CX, $4
	JLT  one
	MOVQ nodes+0(FP), R8
	MOVQ DX, R12
	LEAQ (SI)(DI*1), R9
	LEAQ (SI)(DI*2), R10
	LEAQ (R9)(DI*2), R11
	ALL(Z0)
	ALL(Z1)
	ALL(Z2)
	ALL(Z3)
	ALL(Z4)
	ALL(Z5)
	ALL(Z6)
	ALL(Z7)

node4:
	MOVLQZX      4(R8), AX
	VBROADCASTSS (R8), Z24
	VPBROADCASTD 8(R8), Z25
	VPBROADCASTD 12(R8), Z26
	FOLLOW(SI, K1)
	FOLLOW(R9, K2)
	FOLLOW(R10, K3)
	FOLLOW(R11, K4)
	STRIKE(Z25, K1, Z0)
	STRIKE(Z25, K2, Z1)
	STRIKE(Z25, K3, Z2)
	STRIKE(Z25, K4, Z3)
	STRIKE(Z26, K1, Z4)
	STRIKE(Z26, K2, Z5)
	STRIKE(Z26, K3, Z6)
	STRIKE(Z26, K4, Z7)
	ADDQ         $16, R8
	DECQ         R12
	JNZ          node4

	VALUEWIDE(Z0, Z4, 0(BX))
	VALUEWIDE(Z1, Z5, 64(BX))
	VALUEWIDE(Z2, Z6, 128(BX))
	VALUEWIDE(Z3, Z7, 192(BX))
	ADDQ $256, BX
	LEAQ (SI)(DI*4), SI
	SUBQ $4, CX
	JMP  four

one:
	TESTQ CX, CX
	JZ    done
	MOVQ  nodes+0(FP), R8
	MOVQ  DX, R12
	ALL(Z0)
	ALL(Z4)

node1:
	MOVLQZX      4(R8), AX
	VBROADCASTSS (R8), Z24
	FOLLOW(SI, K1)
	VPANDD.BCST  8(R8), Z0, K1, Z0
	VPANDD.BCST  12(R8), Z4, K1, Z4
	ADDQ         $16, R8
	DECQ         R12
	JNZ          node1

	VALUEWIDE(Z0, Z4, 0(BX))
	ADDQ $64, BX
	ADDQ DI, SI
	DECQ CX
	JMP  one

done:
	VZEROUPPER
	RET

DATA places<>+0(SB)/8, $0x0000000100000000
DATA places<>+8(SB)/8, $0x0000000300000002
DATA places<>+16(SB)/8, $0x0000000500000004
DATA places<>+24(SB)/8, $0x0000000700000006
DATA places<>+32(SB)/8, $0x0000000900000008
DATA places<>+40(SB)/8, $0x0000000b0000000a
DATA places<>+48(SB)/8, $0x0000000d0000000c
DATA places<>+56(SB)/8, $0x0000000f0000000e
GLOBL places<>(SB), RODATA|NOPTR, $64

// func gatherGroups(xt, x *float32, features, groups int)
TEXT ·gatherGroups(SB), NOSPLIT, $0-32
	MOVQ         xt+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         features+16(FP), DX
	MOVQ         groups+24(FP), CX
	VPBROADCASTD DX, Z0
	VPMULLD      places<>(SB), Z0, Z0
	MOVQ         DX, BX
	SHLQ         $6, BX

group:
	MOVQ SI, R8
	MOVQ DX, R9

feature:
	KXNORW     K1, K1, K1
	VPXORQ     Z1, Z1, Z1
	VGATHERDPS (R8)(Z0*4), K1, Z1
	VMOVUPS    Z1, (DI)
	ADDQ       $4, R8
	ADDQ       $64, DI
	DECQ       R9
	JNZ        feature

	ADDQ BX, SI
	DECQ CX
	JNZ  group
	VZEROUPPER
	RET
