# Computed gotos as clang compiles them: the table is local to the function and has its name in
# front. Four handlers end in an indirect jump, and one more starts the loop: five jumps, six labels.
	.file	"ceval.c"
	.text
	.globl	_PyEval_EvalFrameDefault
	.type	_PyEval_EvalFrameDefault,@function
_PyEval_EvalFrameDefault:
.Lbegin:
	xorl	%eax, %eax
	leaq	_PyEval_EvalFrameDefault.opcode_targets(%rip), %rcx
	movzbl	(%rdi), %edx
	jmpq	*(%rcx,%rdx,8)
.Ladd:
	addl	$3, %eax
	movzbl	1(%rdi), %edx
	jmpq	*(%rcx,%rdx,8)
.Lsubtract:
	addl	$-7, %eax
	movzbl	2(%rdi), %edx
	jmpq	*(%rcx,%rdx,8)
.Lmultiply:
	leal	(%rax,%rax,4), %eax
	movzbl	3(%rdi), %edx
	jmpq	*(%rcx,%rdx,8)
.Linvert:
	xorl	$9, %eax
	movzbl	4(%rdi), %edx
	jmpq	*(%rcx,%rdx,8)
.Lunknown:
	movl	$-1, %eax
.Lstop:
	retq
.Lend:
	.size	_PyEval_EvalFrameDefault, .Lend-_PyEval_EvalFrameDefault

	.globl	main
	.type	main,@function
main:
	movq	(%rsi), %rdi
	jmp	_PyEval_EvalFrameDefault
	.size	main, .-main

	.type	_PyEval_EvalFrameDefault.opcode_targets,@object
	.section	.data.rel.ro,"aw",@progbits
	.p2align	4
_PyEval_EvalFrameDefault.opcode_targets:
	.quad	.Lstop, .Ladd, .Lsubtract, .Lmultiply, .Linvert, .Lunknown, .Lunknown, .Lunknown
	.size	_PyEval_EvalFrameDefault.opcode_targets, 64

# The debug information of one unit: its producer and its name, and nothing of its options.
	.section	.debug_abbrev,"",@progbits
	.byte	1, 0x11, 0, 0x25, 0x08, 0x03, 0x08, 0, 0, 0
	.section	.debug_info,"",@progbits
	.long	.Lunit_end-.Lunit
.Lunit:
	.short	4
	.long	.debug_abbrev
	.byte	8, 1
	.asciz	"Debian clang version 19.1.7 (3~deb12u1)"
	.asciz	"Python/ceval.c"
.Lunit_end:

	.ident	"Debian clang version 19.1.7 (3~deb12u1)"
	.section	.note.GNU-stack,"",@progbits
