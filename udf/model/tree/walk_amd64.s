#include "textflag.h"

// STEP takes one row from its node, whose number times two is in i, to the next. lane is where the row's numbers begin in a group, in
// bytes. A comparison sets the carry if the feature is below the limit or one of them is NaN: then it goes to the left.
#define STEP(i, lane) \
	MOVL    4(DI)(i*8), AX    \
	MOVSS   lane(SI)(AX*4), X0 \
	UCOMISS (DI)(i*8), X0     \
	MOVL    8(DI)(i*8), i     \
	SBBL    $-1, i            \
	ADDL    i, i

// func walkGroups(nodes *node, x *float32, groups, width int, root, depth int32, leaves *int32)
TEXT ·walkGroups(SB), NOSPLIT, $0-48
	MOVQ nodes+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ leaves+40(FP), DX

group:
	MOVL root+32(FP), R8
	MOVL depth+36(FP), CX
	ADDL R8, R8
	MOVL R8, R9
	MOVL R8, R10
	MOVL R8, R11
	MOVL R8, R12
	MOVL R8, R13
	MOVL R8, R15
	MOVL R8, BX

level:
	STEP(R8, 0)
	STEP(R9, 4)
	STEP(R10, 8)
	STEP(R11, 12)
	STEP(R12, 16)
	STEP(R13, 20)
	STEP(R15, 24)
	STEP(BX, 28)
	DECL CX
	JNZ  level

	SHRL $1, R8
	SHRL $1, R9
	SHRL $1, R10
	SHRL $1, R11
	SHRL $1, R12
	SHRL $1, R13
	SHRL $1, R15
	SHRL $1, BX
	MOVL R8, (DX)
	MOVL R9, 4(DX)
	MOVL R10, 8(DX)
	MOVL R11, 12(DX)
	MOVL R12, 16(DX)
	MOVL R13, 20(DX)
	MOVL R15, 24(DX)
	MOVL BX, 28(DX)
	ADDQ $32, DX
	MOVQ width+24(FP), AX
	LEAQ (SI)(AX*4), SI
	DECQ groups+16(FP)
	JNZ  group
	RET

// STEPROW is STEP for a row that is not in a group: its features lie side by side.
#define STEPROW(i) \
	MOVL    4(DI)(i*8), AX  \
	SHRL    $1, AX          \
	MOVSS   (SI)(AX*1), X0  \
	UCOMISS (DI)(i*8), X0   \
	MOVL    8(DI)(i*8), i   \
	SBBL    $-1, i          \
	ADDL    i, i

// func walkRoots(nodes *node, x *float32, depth int, at *int32)
TEXT ·walkRoots(SB), NOSPLIT, $0-32
	MOVQ nodes+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ depth+16(FP), CX
	MOVQ at+24(FP), DX
	MOVL (DX), R8
	MOVL 4(DX), R9
	MOVL 8(DX), R10
	MOVL 12(DX), R11
	MOVL 16(DX), R12
	MOVL 20(DX), R13
	MOVL 24(DX), R15
	MOVL 28(DX), BX
	ADDL R8, R8
	ADDL R9, R9
	ADDL R10, R10
	ADDL R11, R11
	ADDL R12, R12
	ADDL R13, R13
	ADDL R15, R15
	ADDL BX, BX

level:
	STEPROW(R8)
	STEPROW(R9)
	STEPROW(R10)
	STEPROW(R11)
	STEPROW(R12)
	STEPROW(R13)
	STEPROW(R15)
	STEPROW(BX)
	DECQ CX
	JNZ  level

	SHRL $1, R8
	SHRL $1, R9
	SHRL $1, R10
	SHRL $1, R11
	SHRL $1, R12
	SHRL $1, R13
	SHRL $1, R15
	SHRL $1, BX
	MOVL R8, (DX)
	MOVL R9, 4(DX)
	MOVL R10, 8(DX)
	MOVL R11, 12(DX)
	MOVL R12, 16(DX)
	MOVL R13, 20(DX)
	MOVL R15, 24(DX)
	MOVL BX, 28(DX)
	RET
