#include "textflag.h"

// The order of bytes that turns four big-endian 32-bit words into little-endian ones.
DATA reverse<>+0(SB)/8, $0x0405060700010203
DATA reverse<>+8(SB)/8, $0x0c0d0e0f08090a0b
GLOBL reverse<>(SB), RODATA|NOPTR, $16

// func swapAVX2(dst *float32, src *byte, blocks int) (nan uint32)
//
// A block is 32 values: four vectors of eight. A value that compares unordered with itself is NaN.
TEXT ·swapAVX2(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ blocks+16(FP), CX
	VBROADCASTI128 reverse<>(SB), Y15
	VPXOR Y14, Y14, Y14

loop:
	VMOVDQU 0(SI), Y0
	VMOVDQU 32(SI), Y1
	VMOVDQU 64(SI), Y2
	VMOVDQU 96(SI), Y3
	VPSHUFB Y15, Y0, Y0
	VPSHUFB Y15, Y1, Y1
	VPSHUFB Y15, Y2, Y2
	VPSHUFB Y15, Y3, Y3
	VMOVDQU Y0, 0(DI)
	VMOVDQU Y1, 32(DI)
	VMOVDQU Y2, 64(DI)
	VMOVDQU Y3, 96(DI)
	VCMPPS $3, Y0, Y0, Y4
	VCMPPS $3, Y1, Y1, Y5
	VCMPPS $3, Y2, Y2, Y6
	VCMPPS $3, Y3, Y3, Y7
	VORPS Y4, Y5, Y4
	VORPS Y6, Y7, Y6
	VORPS Y4, Y14, Y14
	VORPS Y6, Y14, Y14
	ADDQ $128, SI
	ADDQ $128, DI
	DECQ CX
	JNZ loop

	VMOVMSKPS Y14, AX
	VZEROUPPER
	MOVL AX, nan+24(FP)
	RET
