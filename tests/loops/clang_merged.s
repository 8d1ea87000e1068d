# Computed gotos that clang 19 has merged: the handlers jump to one indirect jump. Thirteen labels,
# one jump.
	.file	"ceval.c"
	.text
	.globl	_PyEval_EvalFrameDefault
	.type	_PyEval_EvalFrameDefault,@function
_PyEval_EvalFrameDefault:
	xorl	%eax, %eax
	leaq	_PyEval_EvalFrameDefault.opcode_targets(%rip), %rcx
.Ldispatch:
	movzbl	(%rdi), %edx
	incq	%rdi
	jmpq	*(%rcx,%rdx,8)
	.irp	number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
.Lhandler\number:
	addl	$\number, %eax
	jmp	.Ldispatch
	.endr
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
	.quad	.Lstop
	.irp	number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
	.quad	.Lhandler\number
	.endr
	.quad	.Lunknown, .Lunknown, .Lunknown, .Lunknown
	.size	_PyEval_EvalFrameDefault.opcode_targets, 128
	.section	.note.GNU-stack,"",@progbits
