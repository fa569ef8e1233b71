# The system door's code for x64 (see library.ts). The bytes of this are in machine-code.ts.
#
# JavaScript hands a piece of memory in, of 64-bit words:
#   0  number of a system call     8 to 40  its arguments    48  its result, or less than 0: an error's number
#   56 where this memory is        64 where the handler is   72  where the way back from it is
#   80 how many threads have run the handler
#   128 and on: calls of the handler, 56 bytes each: number, five arguments, the error if there was one; below 0: the end

.intel_syntax noprefix
.text

# napi_value init(env, exports): the function that JavaScript gets
init:
  sub rsp, 8
  xor esi, esi
  xor edx, edx
  lea rcx, [rip + call_system]
  xor r8d, r8d
  mov r9, rsp
  call [rip + slots]
  mov rax, [rsp]
  add rsp, 8
  ret

# napi_value call_system(env, info): one system call, by the words of an ArrayBuffer
call_system:
  push rbx
  sub rsp, 32
  mov rbx, rdi
  mov qword ptr [rsp], 1
  mov rdx, rsp
  lea rcx, [rsp + 8]
  xor r8d, r8d
  xor r9d, r9d
  call [rip + slots + 8]
  mov rdi, rbx
  mov rsi, [rsp + 8]
  lea rdx, [rsp + 16]
  lea rcx, [rsp + 24]
  call [rip + slots + 16]
  mov rbx, [rsp + 16]
  mov [rip + slots + 24], rbx
  mov [rbx + 56], rbx
  lea rax, [rip + handler]
  mov [rbx + 64], rax
  lea rax, [rip + restorer]
  mov [rbx + 72], rax
  mov rax, [rbx]
  mov rdi, [rbx + 8]
  mov rsi, [rbx + 16]
  mov rdx, [rbx + 24]
  mov r10, [rbx + 32]
  mov r8, [rbx + 40]
  xor r9d, r9d
  syscall
  mov [rbx + 48], rax
  xor eax, eax
  add rsp, 32
  pop rbx
  ret

# void handler(signal): the calls of the table, in whichever thread
handler:
  push rbx
  mov rbx, [rip + slots + 24]
  add rbx, 128
again:
  mov rax, [rbx]
  test rax, rax
  js last
  mov rdi, [rbx + 8]
  mov rsi, [rbx + 16]
  mov rdx, [rbx + 24]
  mov r10, [rbx + 32]
  mov r8, [rbx + 40]
  syscall
  test rax, rax
  jns next
  mov [rbx + 48], rax
next:
  add rbx, 56
  jmp again
last:
  mov rbx, [rip + slots + 24]
  lock inc qword ptr [rbx + 80]
  pop rbx
  ret

# rt_sigreturn
restorer:
  mov eax, 15
  syscall

# napi_create_function, napi_get_cb_info, napi_get_arraybuffer_info, and where the memory is
.set slots, init + 0x10500
