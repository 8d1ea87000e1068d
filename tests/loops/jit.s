# The parts of a just-in-time compiler, to be linked with a loop: its own functions jump through
# registers, and its templates are data. None of that is the evaluation loop's dispatch.
	.text
	.globl	_PyJIT_Compile
	.type	_PyJIT_Compile,@function
_PyJIT_Compile:
	leaq	shim_code_body(%rip), %rax
	jmpq	*%rax
	.size	_PyJIT_Compile, .-_PyJIT_Compile

	.type	emit__LOAD_FAST,@function
emit__LOAD_FAST:
	testl	%edi, %edi
	je	.Lother
	jmpq	*%rsi
.Lother:
	jmpq	*%rdx
	.size	emit__LOAD_FAST, .-emit__LOAD_FAST

	.type	shim_code_body,@object
	.section	.rodata,"a",@progbits
shim_code_body:
	.byte	0xff, 0xe0, 0xff, 0xe0, 0xff, 0xe0
	.size	shim_code_body, 6
	.section	.note.GNU-stack,"",@progbits
