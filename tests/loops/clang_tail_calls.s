# A loop of tail calls: five functions of instructions, of which three end in an indirect jump. One
# has two, the second in a part that was split off. The evaluation function only calls the first.
	.file	"ceval.c"
	.text
	.globl	_PyEval_EvalFrameDefault
	.type	_PyEval_EvalFrameDefault,@function
_PyEval_EvalFrameDefault:
	pushq	%rax
	movzbl	(%rdi), %eax
	leaq	instruction_funcptr_table(%rip), %rcx
	incq	%rdi
	xorl	%esi, %esi
	callq	*(%rcx,%rax,8)
	popq	%rcx
	retq
	.size	_PyEval_EvalFrameDefault, .-_PyEval_EvalFrameDefault

	.macro	next
	movzbl	(%rdi), %eax
	leaq	instruction_funcptr_table(%rip), %rcx
	incq	%rdi
	jmpq	*(%rcx,%rax,8)
	.endm

	.macro	handler name
	.type	_TAIL_CALL_\name,@function
_TAIL_CALL_\name:
	.endm

	handler	STOP
	movl	%esi, %eax
	retq
	.size	_TAIL_CALL_STOP, .-_TAIL_CALL_STOP
	handler	ADD
	addl	$3, %esi
	next
	.size	_TAIL_CALL_ADD, .-_TAIL_CALL_ADD
	handler	SUBTRACT
	addl	$-7, %esi
	next
	.size	_TAIL_CALL_SUBTRACT, .-_TAIL_CALL_SUBTRACT
	handler	INVERT
	testl	%esi, %esi
	je	_TAIL_CALL_INVERT.cold
	xorl	$9, %esi
	next
	.size	_TAIL_CALL_INVERT, .-_TAIL_CALL_INVERT
	handler	INVERT.cold
	movl	$1, %esi
	next
	.size	_TAIL_CALL_INVERT.cold, .-_TAIL_CALL_INVERT.cold
	handler	UNKNOWN
	movl	$-1, %eax
	retq
	.size	_TAIL_CALL_UNKNOWN, .-_TAIL_CALL_UNKNOWN

	.globl	main
	.type	main,@function
main:
	movq	(%rsi), %rdi
	jmp	_PyEval_EvalFrameDefault
	.size	main, .-main

	.type	instruction_funcptr_table,@object
	.section	.data.rel.ro,"aw",@progbits
	.p2align	4
instruction_funcptr_table:
	.quad	_TAIL_CALL_STOP, _TAIL_CALL_ADD, _TAIL_CALL_SUBTRACT, _TAIL_CALL_INVERT
	.quad	_TAIL_CALL_UNKNOWN, _TAIL_CALL_UNKNOWN, _TAIL_CALL_UNKNOWN, _TAIL_CALL_UNKNOWN
	.size	instruction_funcptr_table, 64
	.section	.note.GNU-stack,"",@progbits
